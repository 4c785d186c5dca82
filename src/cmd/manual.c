/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the manual pages that repeat what the program knows, so that they cannot differ from
 * it: tools/manpage puts them into the pages of man/ when these are built.
 */
#include <stdio.h>

#include "cmd/cmd.h"

static const struct option_doc options[] = {{0}};

/* Byte i of text in mdoc, where a backslash means something, and a dash is a hyphen unless it is
 * marked, as it is where it does not follow a letter or digit. */
static void put_byte(const char *text, size_t i)
{
	static const char word[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	if (text[i] == '\\')
		fputs("\\e", stdout);
	else if (text[i] == '-' && !(i && memchr(word, text[i - 1], sizeof(word) - 1)))
		fputs("\\-", stdout);
	else
		putchar(text[i] == '\n' ? ' ' : text[i]);
}

/* Text, of which no line is taken for a macro, and each sentence begins one. */
static void put_text(struct str s)
{
	s = str_trim(s);
	if (s.n && (s.p[0] == '.' || s.p[0] == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < s.n; i++)
		if (i && i + 1 < s.n && s.p[i] == ' ' && strchr(".?", s.p[i - 1]) && s.p[i + 1] >= 'A' &&
			s.p[i + 1] <= 'Z')
			putchar('\n');
		else
			put_byte(s.p, i);
}

static void put_line(const char *s)
{
	put_text(str_of(s));
	putchar('\n');
}

/* An argument of a macro: one, and never taken for a macro itself. */
static void put_argument(const char *s)
{
	fputs(" \\&", stdout);
	for (size_t i = 0; s[i]; i++)
		if (s[i] == ' ')
			fputs("\\ ", stdout);
		else
			put_byte(s, i);
}

static void put_option(const struct option_doc *o)
{
	fputs(".It", stdout);
	if (o->letter)
		printf(" Fl %c ,", o->letter);
	printf(" Fl \\-%s", o->name);
	if (o->value) {
		fputs(" Ar", stdout);
		put_argument(o->value);
	}
	putchar('\n');
	put_line(o->doc);
}

static const struct command *find_command(const char *name)
{
	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

/* The section of one command: how it is called, what it does, its options. */
static int put_command(const char *name)
{
	const struct command *c = find_command(name);
	_cleanup_buf_ struct buf usage = BUF(4096);

	if (!c)
		return fail(EXIT_USAGE, "there is no command '%s'; see: revet help", name);
	command_usage(c, &usage);
	fputs(".Ss revet", stdout);
	put_argument(usage.p);
	putchar('\n');
	put_line(c->doc);
	if (!c->options->name)
		return EXIT_DONE;
	puts(".Bl -tag -width Ds");
	for (const struct option_doc *o = c->options; o->name; o++)
		put_option(o);
	puts(".El");
	return EXIT_DONE;
}

static void put_column(const struct column *c)
{
	static const struct {
		unsigned flag;
		const char *text;
	} flags[] = {
		{COLUMN_KEY, "the key"},
		{COLUMN_VALUE, "the value"},
		{COLUMN_ASKED, "must be named"},
		{COLUMN_SETTABLE, "settable"},
	};

	fputs(".It Sy", stdout);
	put_argument(c->name);
	printf(" Pq %s", type_name(c->type));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (c->flags & flags[i].flag)
			printf(" , %s", flags[i].text);
	putchar('\n');
	put_line(c->doc);
}

static int put_tables(void)
{
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++) {
		printf(".Ss %s\n", all[i]->name);
		put_line(all[i]->doc);
		puts(".Bl -tag -width Ds");
		for (const struct column *c = all[i]->columns; c->name; c++)
			put_column(c);
		puts(".El");
		if (!all[i]->fix)
			continue;
		fputs(".Pp\nFix: ", stdout);
		put_line(all[i]->fix);
	}
	return EXIT_DONE;
}

static int put_formats(void)
{
	for (const struct report *const *r = LEAF_BEGIN(reports); r < LEAF_END(reports); r++) {
		printf(".It Cm %s\n", (*r)->name);
		put_line((*r)->doc);
	}
	return EXIT_DONE;
}

/* The programs that tables ask, each once, as they are called. */
static int put_programs(void)
{
	_cleanup_buf_ struct buf seen = BUF(65536);
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++)
		for (const struct helper *const *h = all[i]->helpers; h && *h; h++) {
			_cleanup_buf_ struct buf call = BUF(4096);

			for (const char *const *word = (*h)->argv; *word; word++)
				buf_printf(&call, "%s%s", call.n ? " " : "", *word);
			buf_putc(&call, '\n');
			if (str_has(buf_get(&seen), call.p))
				continue;
			buf_str(&seen, buf_get(&call));
			call.p[call.n - 1] = '\0';
			fputs(".It\n.Li", stdout);
			put_argument(call.p);
			putchar('\n');
		}
	return EXIT_DONE;
}

static struct yaml document(const struct embedded *e)
{
	return (struct yaml){e->path, embedded_nodes + e->first_node, embedded_pool, e->n_nodes, 0};
}

static int put_workloads(void)
{
	for (size_t i = 0; i < embedded_count; i++) {
		struct yaml doc = document(&embedded_rules[i]);
		struct yaml_iter it = yaml_iter(YAML_ROOT(&doc));
		struct yaml_at title;

		while (strcmp(doc.name, "workloads.yaml") == 0 && yaml_next(&it)) {
			printf(".It Cm %.*s\n", STR_ARG(yaml_text(it.key)));
			if (yaml_get(it.value, "title", &title))
				put_text(yaml_text(title));
			putchar('\n');
		}
	}
	return EXIT_DONE;
}

/* A name or number, in which no line is broken. */
static void put_word(struct str s)
{
	fputs("\\&", stdout);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '-')
			fputs("\\-", stdout);
		else
			put_byte(s.p, i);
}

static void put_default(struct yaml_at value)
{
	struct yaml_iter it = yaml_iter(value);
	const char *gap = "";

	if (yaml_kind(value) == YAML_SCALAR)
		put_word(yaml_text(value));
	while (yaml_kind(value) == YAML_LIST && yaml_next(&it)) {
		fputs(gap, stdout);
		put_word(yaml_text(it.value));
		gap = ",\n";
	}
	putchar('\n');
}

/* Did a rule before this one declare the parameter too? */
static bool is_declared(size_t before, struct str name)
{
	_cleanup_arena_ struct arena scratch = {0};
	const char *key = str_dup(&scratch, name);
	struct yaml_at parameters, ignored;

	for (size_t i = 0; i < before; i++) {
		struct yaml doc = document(&embedded_rules[i]);

		if (yaml_get(YAML_ROOT(&doc), "parameters", &parameters) &&
			yaml_get(parameters, key, &ignored))
			return true;
	}
	return false;
}

static int put_parameters(void)
{
	for (size_t i = 0; i < embedded_count; i++) {
		struct yaml doc = document(&embedded_rules[i]);
		struct yaml_at parameters;
		struct yaml_iter it;

		if (!yaml_get(YAML_ROOT(&doc), "parameters", &parameters))
			continue;
		it = yaml_iter(parameters);
		while (yaml_next(&it)) {
			if (is_declared(i, yaml_text(it.key)))
				continue;
			printf(".It Cm %.*s\n", STR_ARG(yaml_text(it.key)));
			put_default(it.value);
		}
	}
	return EXIT_DONE;
}

static int run_manual(const struct given *g)
{
	static const struct {
		const char *name;
		int (*put)(void);
	} parts[] = {
		{"tables", put_tables},       {"formats", put_formats},       {"programs", put_programs},
		{"workloads", put_workloads}, {"parameters", put_parameters},
	};
	const char *part = g->words[0];

	if (g->n_words == 2 && strcmp(part, "command") == 0)
		return put_command(g->words[1]);
	for (size_t i = 0; g->n_words == 1 && i < ARRAY_LEN(parts); i++)
		if (strcmp(part, parts[i].name) == 0)
			return parts[i].put();
	return fail(EXIT_USAGE, "there is no part '%s'; there are: command NAME, tables, formats, "
				"programs, workloads, parameters", part);
}

static const struct command manual_command = {
	"manual", "PART", "print a generated part of the manual pages, for building them", options, 1,
	2, run_manual};
COMMAND(manual_command);
