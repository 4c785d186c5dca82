/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that programs keep on the host: their configuration and state. Environments, arguments and
 * labels are left out and secrets masked before anything sees or records the text, so nothing that
 * is judged may stand there.
 */
#ifndef REVET_HOST_JSON_FILE_H
#define REVET_HOST_JSON_FILE_H

#include <jansson.h>

#include "host/host.h"

/* What it costs to hold such a text is up to fifty times its size. */
#define JSON_FILE_MAX ((size_t)256 << 10)

/* An object or an array. -EFBIG: larger than JSON_FILE_MAX. -EINVAL: not JSON, or a member stands
 * there twice. The caller releases it. */
int json_file_read(struct host *, const char *path, struct arena *, json_t **ret, struct err *);

static inline void json_file_freep(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(json_file_freep)

/* The text of a member, in the arena; absent when there is none, or something else. */
struct str json_file_str(const json_t *object, const char *key, struct arena *);

#endif
