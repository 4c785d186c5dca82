/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The specifiers of unit files (systemd.unit(5), "Specifiers"), as far as the name of a unit and the
 * fixed places of a system service say what they stand for.
 */
#ifndef REVET_HOST_SPECIFIER_H
#define REVET_HOST_SPECIFIER_H

#include "base/str.h"

/* The value with its specifiers replaced. False when one of them depends on anything else: the host's
 * name, its kernel, a path that is unescaped. */
bool specifier_expand(struct arena *, struct str unit, struct str value, struct str *ret);
/* What is in front of the '@' of an instance or of a template, else of the suffix. */
struct str specifier_prefix(struct str unit);

#endif
