/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an executable says of how it was built: its program headers, its dynamic section and the names
 * that it is linked by. Both classes and byte orders. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_ELF_H
#define REVET_HOST_ELF_H

#include "base/err.h"
#include "base/str.h"

enum elf_relro {
	ELF_RELRO_STATIC, /* nothing is linked when it starts */
	ELF_RELRO_NONE,   /* what the linker fills in stays writable */
	ELF_RELRO_PARTIAL, /* all but the addresses of functions, which are looked up when first called */
	ELF_RELRO_FULL,
};

#define ELF_IBT 1   /* x86: indirect branches land on marked instructions */
#define ELF_SHSTK 2 /* x86: a shadow stack */
#define ELF_BTI 4   /* arm64: as IBT */
#define ELF_PAC 8   /* arm64: return addresses are signed */

struct elf {
	bool pie;              /* it can be loaded anywhere */
	bool linked;           /* it names a program that loads its libraries */
	bool go;               /* made by the Go toolchain, whose code checks bounds itself */
	bool executable_stack; /* asked for, or not declined */
	enum elf_relro relro;
	const char *no_names;   /* why the next two are not known; NULL: they are */
	bool canary, fortified; /* it calls what these have it call */
	unsigned control_flow;
	struct str library_path; /* DT_RUNPATH, else DT_RPATH, between colons; absent: none */
};

#define ELF_MAX_HEADERS 65536 /* bytes of program headers, as for the kernel */
#define ELF_MAX_DYNAMIC 65536
#define ELF_MAX_NOTES 65536
#define ELF_MAX_NAMES ((uint64_t)64 << 20)
#define ELF_MAX_LIBRARY_PATH 4096

/* -ENOEXEC: it is no executable of this kind, or broken; -E2BIG: it has more than is looked at. */
int elf_read(int fd, struct arena *, struct elf *ret, struct err *);

#endif
