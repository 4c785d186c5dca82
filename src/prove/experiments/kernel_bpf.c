/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "prove/attack.h"

/* The least that is a program: return 0. It is attached to nothing, and gone with its
 * descriptor. */
static int load_program(void *data)
{
	const struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
									{.code = BPF_JMP | BPF_EXIT}};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
						   .insns = (uint64_t)(uintptr_t)code,
						   .insn_cnt = ARRAY_LEN(code),
						   .license = (uint64_t)(uintptr_t) "Apache-2.0"};
	_cleanup_close_ int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	(void)data;
	return fd < 0 ? -errno : 0;
}

static void run(struct trial *t)
{
	attack_try(t, &(struct attack){"load a BPF program", load_program, .root_may = true});
}

static const struct experiment kernel_bpf = {
	.name = "kernel.bpf-refused",
	.title = "Only root loads BPF programs",
	.doc = "A user without privilege loads a BPF program that does nothing",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.unprivileged-bpf"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_bpf);
