/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small macros that every file may use: scoped cleanup, ownership hand-over, array length.
 * Nothing here allocates or does I/O.
 */
#ifndef REVET_BASE_UTIL_H
#define REVET_BASE_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* Each of both is evaluated once, as the type that both have in common: a constant takes the other's. */
#define MIN(a, b) CHOOSE_((a), <, (b), JOIN_(min_a_, __COUNTER__), JOIN_(min_b_, __COUNTER__))
#define MAX(a, b) CHOOSE_((a), >, (b), JOIN_(max_a_, __COUNTER__), JOIN_(max_b_, __COUNTER__))
#define CHOOSE_(a, before, b, x, y)                                                                \
	__extension__({                                                                                \
		__typeof__(1 ? a : b) x = a;                                                               \
		__typeof__(1 ? a : b) y = b;                                                               \
		x before y ? x : y;                                                                        \
	})
#define JOIN_(a, b) JOIN__(a, b)
#define JOIN__(a, b) a##b

/* Puts a descriptor's address into the linker set NAME, so that leaf files need no hand-kept
 * list. LEAF_BEGIN/LEAF_END bound the set; its order is the link order, so users sort it. */
#define LEAF(set, type, symbol)                                                                    \
	__attribute__((used, retain, section("leaf_" #set))) static const type *const leaf_##symbol =  \
		&symbol
#define LEAF_SET(set, type) extern const type *const __start_leaf_##set[], *const __stop_leaf_##set[]
#define LEAF_BEGIN(set) __start_leaf_##set
#define LEAF_END(set) __stop_leaf_##set

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define _cleanup_close_ _cleanup_(close_fd)

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define take_ptr(p)                                                                                \
	({                                                                                             \
		__typeof__(p) taken_ = (p);                                                                \
		(p) = NULL;                                                                                \
		taken_;                                                                                    \
	})

#endif
