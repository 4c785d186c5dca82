/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"

int fail(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("revet: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

const char *given_value(const struct given *g, int option)
{
	const char *value = NULL;

	for (size_t i = 0; i < g->n; i++)
		if (g->p[i].option == option)
			value = g->p[i].value;
	return value;
}

int color_wanted(const char *when, struct color *ret)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	*ret = (struct color){false, false};
	if (when && strcmp(when, "always") == 0)
		*ret = (struct color){true, true};
	else if (!when || strcmp(when, "auto") == 0)
		ret->out = isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
	else if (strcmp(when, "never") != 0)
		return fail(EXIT_USAGE, "--color %s: expected auto, always or never", when);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct command *const *)a)->name,
				  (*(const struct command *const *)b)->name);
}

static size_t all_commands(const struct command *ret[32])
{
	size_t n = 0;

	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++)
		if (n < 32)
			ret[n++] = *c;
	qsort(ret, n, sizeof(*ret), by_name);
	return n;
}

static int help(FILE *to)
{
	const struct command *commands[32];
	size_t n = all_commands(commands);

	fputs("revet: audit and harden a Linux server\n\nusage: revet COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->doc);
	fputs("\nrevet COMMAND --help lists its options. Start with: sudo revet audit\n", to);
	return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

static int command_help(const struct command *c)
{
	printf("usage: revet %s %s\n%s\n\n", c->name, c->usage, c->doc);
	for (const struct option_doc *o = c->options; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
				 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name, o->value ? " " : "",
				 o->value ? o->value : "");
		printf("  %-30s %s\n", left, o->doc);
	}
	return EXIT_DONE;
}

/* getopt_long() from the command's own table. Returns 0, or -1 for help, or an exit code. */
static int parse_options(const struct command *c, int argc, char **argv, struct given *ret)
{
	struct option options[32] = {0};
	char letters[80] = "+h";
	size_t n = 0;
	int got;

	for (const struct option_doc *o = c->options; o->name && n < 30; o++, n++) {
		options[n] = (struct option){o->name, o->value ? required_argument : no_argument, NULL,
									 1000 + (int)n};
		if (o->letter)
			snprintf(letters + strlen(letters), sizeof(letters) - strlen(letters), "%c%s", o->letter,
					 o->value ? ":" : "");
	}
	options[n] = (struct option){"help", no_argument, NULL, 'h'};
	letters[0] = '-'; /* words and options in any order */
	*ret = (struct given){.words = mem_calloc((size_t)argc + 1, sizeof(char *))};
	while ((got = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		int option = got - 1000;

		if (got == 'h')
			return -1;
		if (got == 1) {
			ret->words[ret->n_words++] = optarg;
			continue;
		}
		if (got == '?')
			return fail(EXIT_USAGE, "see: revet %s --help", c->name);
		for (size_t i = 0; got < 1000 && i < n; i++)
			if (c->options[i].letter == got)
				option = (int)i;
		if (ret->n == MAX_GIVEN)
			return fail(EXIT_USAGE, "more than %d options", MAX_GIVEN);
		ret->p[ret->n].option = option;
		ret->p[ret->n++].value = optarg ? optarg : "";
	}
	while (optind < argc)
		ret->words[ret->n_words++] = argv[optind++];
	return 0;
}

static int unknown_command(const char *word)
{
	const struct command *commands[32];
	size_t n = all_commands(commands);

	for (size_t i = 0; i < n; i++)
		if (str_distance(word, commands[i]->name, 2) <= 2)
			return fail(EXIT_USAGE, "there is no command '%s'; did you mean: revet %s", word,
						commands[i]->name);
	return fail(EXIT_USAGE, "there is no command '%s'; see: revet help", word);
}

int main(int argc, char **argv)
{
	const struct command *commands[32];
	size_t n = all_commands(commands);
	struct given given;
	int code;

	if (argc < 2)
		return help(stderr);
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
		strcmp(argv[1], "-h") == 0)
		return help(stdout);
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = (char *)"version";
	for (size_t i = 0; i < n; i++) {
		if (strcmp(argv[1], commands[i]->name) != 0)
			continue;
		code = parse_options(commands[i], argc - 1, argv + 1, &given);
		if (code < 0)
			code = command_help(commands[i]);
		else if (code == 0)
			code = commands[i]->run(&given);
		free(given.words);
		if (fflush(stdout) != 0 || ferror(stdout))
			return fail(EXIT_CANNOT, "standard output cannot be written");
		return code;
	}
	return unknown_command(argv[1]);
}
