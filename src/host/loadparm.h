/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as Samba's loadparm reads them, smb.conf(5) and rsyncd.conf(5): [sections] and "name =
 * value", names without regard to case and blanks. Items come in the order in which they apply:
 * section as written (absent: before any), key in lower case without blanks. Everything lives in
 * the arena that was passed.
 */
#ifndef REVET_HOST_LOADPARM_H
#define REVET_HOST_LOADPARM_H

#include "base/map.h"
#include "host/conf.h"
#include "host/table.h"

struct loadparm {
	struct conf conf;
	struct map last; /* private: of each section and key the item that holds */
};

/* With the files that `include =` names; what of them cannot be known sets gap. -ENOENT when the
 * file itself is not there. */
int loadparm_read(struct host *, struct arena *, const char *path, struct loadparm *ret,
				  struct err *);
/* What holds in the section: its own last value, else that of the global one, else `otherwise`. */
struct str loadparm_value(const struct loadparm *, struct str section, const char *key,
						  const char *otherwise);
bool loadparm_true(struct str value); /* yes, true, on, 1 */
bool loadparm_is_global(struct str section);
/* The words of a list, between blanks and commas, set in the cell; without any it stays absent. */
void loadparm_list(struct rows *, struct row *, int column, struct str text);

/* A table with a row for each section but the global one, which `add` makes; what could not be read may
 * have set any of the columns from first to last. A file that is not there has no sections. */
int loadparm_rows(struct host *, struct rows *, const char *path,
				  void (*add)(struct rows *, const struct loadparm *, const struct conf_item *),
				  int first, int last, struct err *);

/* How it is started. */
extern const struct started samba_started;

#endif
