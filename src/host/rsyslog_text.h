/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of rsyslog's two languages, lines of sysklogd's kind and RainerScript, which may be mixed
 * within one statement: a place in a text that only moves on. What is taken is borrowed from the text,
 * unless there is an arena to put it into.
 */
#ifndef REVET_HOST_RSYSLOG_TEXT_H
#define REVET_HOST_RSYSLOG_TEXT_H

#include "base/str.h"
#include "base/vec.h"

struct rsyslog_text {
	struct str text;
	size_t i;
	unsigned line; /* of text.p[i] */
};

struct rsyslog_param {
	struct str name, value;
};
struct rsyslog_params {
	struct rsyslog_param *p;
	size_t n, cap;
};

static inline char rsyslog_peek(const struct rsyslog_text *s, size_t ahead)
{
	return s->i + ahead < s->text.n ? s->text.p[s->i + ahead] : '\0';
}

static inline bool rsyslog_at_end(const struct rsyslog_text *s)
{
	return s->i >= s->text.n;
}

static inline void rsyslog_step(struct rsyslog_text *s) /* not at the end */
{
	if (s->text.p[s->i++] == '\n')
		s->line++;
}

/* White space and comments. */
void rsyslog_skip_white(struct rsyslog_text *);
void rsyslog_skip_line(struct rsyslog_text *);
struct str rsyslog_name(struct rsyslog_text *);
/* The rest of the line; a backslash at its end goes on in the next one. */
struct str rsyslog_line(struct rsyslog_text *);
/* From behind "(" to behind ")". False when it does not end. */
bool rsyslog_params(struct arena *, struct rsyslog_text *, struct rsyslog_params *ret);
struct str rsyslog_param(const struct rsyslog_params *,
						 const char *name); /* absent: there is none */
/* Up to the word "then", which is passed over. */
struct str rsyslog_condition(struct rsyslog_text *);
/* `:msg, contains, "text"`: ends with its value. */
struct str rsyslog_property_filter(struct rsyslog_text *);
/* Ends with a blank, but not behind a backslash that ends its line. */
struct str rsyslog_selector(struct arena *, struct rsyslog_text *);

/* What was taken since. */
struct str rsyslog_since(const struct rsyslog_text *, size_t start);
/* Runs of white space become one blank; a backslash at the end of a line joins it to the next. */
struct str rsyslog_squeeze(struct arena *, struct str);

#endif
