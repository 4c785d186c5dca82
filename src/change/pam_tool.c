/* SPDX-License-Identifier: Apache-2.0 */
#include "change/pam_tool.h"

#include <fcntl.h>
#include <time.h>

#include "host/pam_stack.h"
#include "host/pam_try.h"

#define MAX_PROCESSES 1000000
#define PATIENCE 50 /* tenths of a second */

static bool is_running(const char *program, struct arena *a)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct path_entry *entries;
	struct str words, word;
	bool more;
	size_t n;

	if (root < 0 || path_list(root, "/proc", MAX_PROCESSES, a, &entries, &n, &more) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (entries[i].name[0] >= '1' && entries[i].name[0] <= '9' &&
			path_read(root, arena_printf(a, "/proc/%s/cmdline", entries[i].name), 65536, a,
					  &words) == 0)
			while (str_cut(&words, '\0', &word))
				if (str_is(word, program))
					return true;
	return false;
}

void pam_tool_wait(const char *program)
{
	for (int i = 0; i < PATIENCE; i++) {
		_cleanup_arena_ struct arena a = {0};

		if (!is_running(program, &a))
			return;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
}

int pam_tool_check(const struct place *place, struct err *err)
{
	static const char *const services[] = {"sshd", "login", "sudo", "su"};
	_cleanup_arena_ struct arena a = {0};
	_cleanup_host_ struct host *host = host_open(place->root, err);
	struct pam_stack stack;
	struct path_stat st;

	if (!host || pam_read(host, &a, &stack, err) < 0)
		return -err->errnum;
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (path_stat(place->root_fd, arena_printf(&a, "/etc/pam.d/%s", services[i]), true, &st) <
			0)
			continue;
		if (pam_try_password(&stack, services[i], true) == PAM_REFUSES)
			return err_set(err, EPERM, "PAM would refuse the right password (service %s)",
						   services[i]);
		if (pam_try_password(&stack, services[i], false) == PAM_ADMITS)
			return err_set(err, EPERM, "PAM would take a wrong password (service %s)", services[i]);
	}
	return 0;
}
