/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sshd_config as sshd(8) of OpenSSH reads it, and losslessly: a parsed file keeps every byte, so
 * sshd_file_dump() gives back exactly what was parsed, and an editor may replace single lines.
 * Everything lives in the arena that was passed, or is borrowed from the text. Tables call this in
 * the confined worker; an editor may call it anywhere.
 */
#ifndef REVET_HOST_SSHD_CONFIG_H
#define REVET_HOST_SSHD_CONFIG_H

#include "host/host.h"
#include "host/started.h"

/* How the arguments of a keyword become one value, in the form in which `sshd -T` prints it. */
enum sshd_kind {
	SSHD_WORD,       /* one word, in lower case: yes, no and other fixed words */
	SSHD_UPPER,      /* one word, in upper case: INFO, AUTH */
	SSHD_NUMBER,     /* "007" becomes 7 */
	SSHD_TIME,       /* "2m" becomes 120 */
	SSHD_LIST,       /* several arguments, joined by commas */
	SSHD_ALGORITHMS, /* a list that "+", "-" or "^" in front makes relative to the built-in one */
	SSHD_TEXT,       /* the arguments as they are, joined by blanks */
	SSHD_RAW,        /* the rest of the line, quotes and all */
	SSHD_STARTUPS,   /* MaxStartups: "10" becomes 10:30:10 */
	SSHD_QOS,        /* IPQoS: "ef" becomes "ef ef" */
	SSHD_REKEY,      /* RekeyLimit: "1G 1h" becomes "1073741824 3600" */
	SSHD_INCLUDE,
	SSHD_MATCH,
};

enum sshd_flag {
	SSHD_ADDS = 1,        /* each line adds to the list; for the others the first line wins */
	SSHD_EACH = 2,        /* with SSHD_ADDS: each line is a value of its own */
	SSHD_IN_MATCH = 4,    /* allowed inside a Match block */
	SSHD_IGNORED = 8,     /* obsolete: accepted and without effect */
	SSHD_VARIES = 16,     /* which of several lines wins depends on the version of sshd */
	SSHD_NO_DEFAULT = 32, /* in every build of sshd: unset is nothing at all */
	SSHD_UNSHOWN = 64,    /* sshd -T leaves it out */
	SSHD_OF_ROOT = 128,   /* it is about logins as root alone */
};

struct sshd_keyword {
	const char *name; /* CamelCase, as in sshd_config(5) */
	uint8_t kind, flags;
	const char *means; /* for a former name: today's; NULL otherwise */
};

/* The keyword by any spelling of its case, a former name resolved; NULL when sshd has no such. */
const struct sshd_keyword *sshd_keyword(struct str name);
/* A number from 0 to sshd_keywords() - 1 for each keyword, for arrays beside them. */
size_t sshd_keyword_index(const struct sshd_keyword *);
size_t sshd_keywords(const struct sshd_keyword **ret_first);

struct sshd_line {
	struct str text;                    /* every byte, its newline included */
	struct str name;                    /* keyword as written; absent: blank line or comment */
	const struct sshd_keyword *keyword; /* NULL: none, or one that is not known */
	struct str rest;                    /* arguments as written, no white space around them */
	struct str *args;                   /* arguments without quotes and comment */
	size_t n_args;
	const char *bad; /* why sshd would refuse the line; NULL when it would not */
};

struct sshd_file {
	const char *path;
	struct sshd_line *lines;
	size_t n;
};

void sshd_line_parse(struct arena *, struct str text, struct sshd_line *ret);
void sshd_file_parse(struct arena *, const char *path, struct str text, struct sshd_file *ret);
int sshd_file_dump(const struct sshd_file *, struct buf *out);

/* The value in the form of `sshd -T`. False when it depends on what sshd has built in. */
bool sshd_line_value(struct arena *, const struct sshd_line *, struct str *ret);

/* sshd's convtime(): numbers with units s, m, h, d, w of either case, added up. */
bool sshd_seconds(struct str, int64_t *ret);

/* Why sshd would refuse the line, as far as that is the same in every build; NULL when it would not. */
const char *sshd_line_problem(const struct sshd_line *);

/* The criteria of a Match block; all of those that it stands in count as well. */
struct sshd_match {
	const struct sshd_line *line;
	const struct sshd_match *outer; /* NULL: none */
};

/* May the block apply to a login of the user? Only what names users is looked at, so it says no where
 * that is certain, and yes otherwise. NULL is no block. */
bool sshd_match_may(struct arena *, const struct sshd_match *, struct str user);

/* A directive, in the order in which sshd comes across it, includes in place. */
struct sshd_directive {
	const struct sshd_line *line;
	const char *file;
	unsigned number;  /* of the line */
	unsigned block;   /* counts Match blocks; 0: none */
	struct str match; /* criteria of the Match blocks it is in; absent: global */
	const struct sshd_match *within; /* the same; NULL: global, or within `Match all` only */
	bool always;      /* global, or within `Match all` only */
};

#define SSHD_MAX_DEPTH 16                /* as sshd's SERVCONF_MAX_DEPTH */
#define SSHD_MAX_TOTAL ((size_t)1 << 20) /* bytes of all files, counted as often as included */
#define SSHD_MAX_FILES 1024

struct sshd_config {
	struct sshd_directive *directives;
	size_t n, cap;
	const char *gap;     /* why some may be missing or are misread; NULL: complete */
	const char *refused; /* why sshd would not start with them, which it knows better; or NULL */
};

/* Reads /etc/ssh/sshd_config, or where a distribution keeps its own in /usr/etc and nobody has
 * written one, that; and what it includes. -ENOENT when neither is there. */
int sshd_config_read(struct host *, struct arena *, struct sshd_config *ret, struct err *);

/* How it is started. */
extern const struct started sshd_started;

#endif
