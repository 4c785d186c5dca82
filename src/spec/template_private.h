/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of templates share: the tree that template_parse.c makes and template.c runs, and the
 * functions of the template_*_functions.c. */
#ifndef REVET_SPEC_TEMPLATE_PRIVATE_H
#define REVET_SPEC_TEMPLATE_PRIVATE_H

#include "base/vec.h"
#include "spec/template.h"

struct pipeline;

enum operand_kind {
	OPERAND_DOT,
	OPERAND_VARIABLE,
	OPERAND_FUNCTION,
	OPERAND_LITERAL,
	OPERAND_PIPELINE
};

struct operand {
	enum operand_kind kind;
	struct str name; /* of a variable (absent: `$`), or a function */
	const struct template_function *function;
	struct datum literal;
	const struct pipeline *pipeline;
	VEC(struct str) fields; /* .a.b behind it */
};

struct command_call {
	VEC(struct operand) operands; /* the first is what is called, or the value */
};

struct pipeline {
	VEC(struct str) variables; /* that it declares, or sets */
	bool assigns;              /* = and not := */
	VEC(struct command_call) commands;
	uint32_t line;
};

enum part_kind {
	PART_TEXT,
	PART_VALUE,
	PART_IF,
	PART_WITH,
	PART_RANGE,
	PART_BREAK,
	PART_CONTINUE,
	PART_TEMPLATE
};

struct part {
	enum part_kind kind;
	uint32_t line;
	struct str text;                /* TEXT; the name of a TEMPLATE */
	struct pipeline *pipeline;      /* NULL: a TEMPLATE without one */
	struct part *inner, *otherwise; /* lists */
	struct part *next;
};

struct definition {
	struct str name;
	struct part *parts;
};

struct template_tree {
	struct part *parts;
	VEC(struct definition) definitions;
};

int template_parse(struct str source, const char *name, struct arena *, struct template_tree *ret,
				   struct err *);

/* --- functions ------------------------------------------------------------------------------- */

struct call {
	struct arena *arena;
	const struct template_world *world;
	const struct template_function *function;
	struct datum *args;
	size_t n;
	size_t *steps; /* left; whoever makes many things takes them from here */
	struct err *err;
};

struct template_function {
	const char *name;
	unsigned min, max; /* arguments; max 0: any number from min on */
	int (*run)(struct call *, struct datum *ret);
};

const struct template_function *template_function_find(struct str name);
/* The tables, each ends with a name of NULL. */
extern const struct template_function template_core_functions[];
extern const struct template_function template_text_functions[];
extern const struct template_function template_regex_functions[];
extern const struct template_function template_encoding_functions[];
extern const struct template_function template_list_functions[];

bool template_truth(const struct datum *);
/* -EINVAL "NAME: ...". */
int call_fail(struct call *, const char *fmt, ...) _printf_(2, 3);
/* Argument i as text, a number or a list; numbers may be text, too. */
int call_text(struct call *, size_t i, struct str *ret);
int call_number(struct call *, size_t i, int64_t *ret);
int call_list(struct call *, size_t i, const struct datum **ret, size_t *ret_n);
int call_map(struct call *, size_t i, struct datum **ret);
int call_spend(struct call *, size_t steps); /* so many things are made */
/* What was put together in a buffer, as the result; releases the buffer. */
int call_return(struct call *, struct buf *, struct datum *ret);
#define CALL_BUF BUF((size_t)1 << 20)

#endif
