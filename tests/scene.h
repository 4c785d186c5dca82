/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host described in a text, as the files of tests/tables/ have it, made into a recording: for
 * the tests of the tables, and for the fuzzer, whose inputs are such texts. What the sections are,
 * take_section() says. Texts are borrowed until scene_done().
 */
#ifndef REVET_TESTS_SCENE_H
#define REVET_TESTS_SCENE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "host/snapshot.h"

#define SCENE_MAX ((size_t)4 << 20) /* bytes of a case, and of the recording that is made of it */

struct scene_node;

struct scene {
	struct arena arena;
	VEC(struct scene_node *) nodes;
	struct map by_path;
	struct buf answers; /* the entries of the recording */
	VEC(struct str) asked;
	bool live, all;
	bool processes; /* the case says which there are; else none is */
	int64_t time;
	struct str want; /* absent: the case has no such section */
	const char *bad; /* private */
};

void scene_init(struct scene *);
void scene_done(struct scene *);
#define _cleanup_scene_ _cleanup_(scene_done)

/* -EINVAL for what is no case. */
int scene_parse(struct scene *, struct str text, struct err *);
/* Appends the host as a recording. */
int scene_recording(struct scene *, struct buf *out, struct err *);
/* Reads the table, as the case asks for it, of the host that was made of the recording. */
void scene_read(const struct scene *, struct host *, const struct table *, struct snapshot *);

/* \xNN, \n, \r, \t, \\ and \" as the bytes they mean. */
struct str scene_unescape(struct arena *, struct str);

#endif
