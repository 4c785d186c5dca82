/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cmd/cmd.h"

static char said_last[512];

const char *last_failure(void)
{
	return said_last;
}

int fail(int code, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	char message[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	/* Names of files and words of the command line may be anything. */
	buf_printable(&text, str_of(message));
	fprintf(stderr, "revet: %s\n", buf_get(&text).p);
	snprintf(said_last, sizeof(said_last), "%s", buf_get(&text).p);
	return code;
}

int no_such(const char *kind, const char *word, const char *near, const char *list)
{
	return fail(EXIT_USAGE, "there is no %s '%s'%s%s; see: %s", kind, word,
				near ? "; did you mean " : "", near ? near : "", list);
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

int parse_format(const char *word, bool *ret_json)
{
	*ret_json = word && strcmp(word, "json") == 0;
	if (!word || *ret_json || strcmp(word, "text") == 0)
		return 0;
	return fail(EXIT_USAGE, "there is no format '%s'; there are text and json", word);
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
	const struct command *commands[32] = {0};
	size_t n = all_commands(commands);

	fputs("revet: audit and harden a Linux server\n\nusage: revet COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-11s %s\n", commands[i]->name, commands[i]->doc);
	fputs("\nrevet COMMAND --help lists its options. Start with: sudo revet audit\n", to);
	return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

void command_usage(const struct command *c, struct buf *out)
{
	buf_printf(out, "%s%s%s%s", c->name, c->options->name ? " [OPTION...]" : "", *c->words ? " " : "",
			   c->words);
}

static int command_help(const struct command *c)
{
	_cleanup_buf_ struct buf usage = BUF(4096);

	command_usage(c, &usage);
	printf("usage: revet %s\n%s\n%s", usage.p, c->doc, c->options->name ? "\n" : "");
	for (const struct option_doc *o = c->options; o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
				 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name, o->value ? " " : "",
				 o->value ? o->value : "");
		printf("  %-30s %s\n", left, o->doc);
	}
	return EXIT_DONE;
}

/* What getopt_long() refused, in our words. */
static int bad_option(const struct command *c, char **argv, int got)
{
	const char *word = argv[optind - 1];
	struct nearest near;
	char list[64], shown[64];

	snprintf(list, sizeof(list), "revet %s --help", c->name);
	if (got == ':')
		return fail(EXIT_USAGE, "%s needs a value; see: %s", word, list);
	if (optopt >= 1000)
		return fail(EXIT_USAGE, "--%s takes no value; see: %s", c->options[optopt - 1000].name, list);
	if (strncmp(word, "--", 2) != 0)
		return no_such("option", word, NULL, list);
	near = nearest_to(str_of(word + 2));
	for (const struct option_doc *o = c->options; o->name; o++)
		nearest_try(&near, o->name);
	snprintf(shown, sizeof(shown), "--%s", near.name ? near.name : "");
	return no_such("option", word, near.name ? shown : NULL, list);
}

static int check_words(const struct command *c, const struct given *g)
{
	_cleanup_buf_ struct buf usage = BUF(4096);

	if (g->n_words > c->max_words && !c->max_words)
		return fail(EXIT_USAGE, "%s takes no '%s'; see: revet %s --help", c->name, g->words[0],
					c->name);
	if (g->n_words <= c->max_words && g->n_words >= c->min_words)
		return 0;
	command_usage(c, &usage);
	return fail(EXIT_USAGE, "usage: revet %s; see: revet %s --help", usage.p, c->name);
}

static bool find_option(const struct command *c, const char *name)
{
	for (const struct option_doc *o = c->options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return false;
}

#define IGNORED 999 /* below the numbers of a command's own options, above all letters */

/* getopt_long() from the command's own table. Returns 0, or -1 for help, or an exit code. */
static int parse_options(const struct command *c, int argc, char **argv, struct given *ret)
{
	struct option options[32] = {0};
	char letters[80] = "-:h"; /* words and options in any order */
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
	/* Scripts give it to every command; few have anything to do with it. */
	if (!find_option(c, "no-input"))
		options[n + 1] = (struct option){"no-input", no_argument, NULL, IGNORED};
	*ret = (struct given){.words = mem_calloc((size_t)argc + 1, sizeof(char *))};
	while ((got = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		int option = got - 1000;

		if (got == 'h')
			return -1;
		if (got == IGNORED)
			continue;
		if (got == 1) {
			ret->words[ret->n_words++] = optarg;
			continue;
		}
		if (got == '?' || got == ':')
			return bad_option(c, argv, got);
		for (size_t i = 0; got < 1000 && i < n; i++)
			if (c->options[i].letter == got)
				option = (int)i;
		if (optarg && !*optarg)
			return fail(EXIT_USAGE, "--%s needs a value; see: revet %s --help",
						c->options[option].name, c->name);
		if (ret->n == MAX_GIVEN)
			return fail(EXIT_USAGE, "more than %d options", MAX_GIVEN);
		ret->p[ret->n].option = option;
		ret->p[ret->n++].value = optarg ? optarg : "";
	}
	while (optind < argc)
		ret->words[ret->n_words++] = argv[optind++];
	return check_words(c, ret);
}

static int unknown_command(const char *word)
{
	struct nearest near = nearest_to(str_of(word));

	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++)
		nearest_try(&near, (*c)->name);
	return no_such("command", word, near.name, "revet help");
}

static int run_command(const struct command *c, int argc, char **argv)
{
	struct given given;
	int code = parse_options(c, argc, argv, &given);

	if (code < 0)
		code = command_help(c);
	else if (code == 0)
		code = c->run(&given);
	free(given.words);
	return code;
}

static int dispatch(int argc, char **argv)
{
	const struct command *commands[32] = {0};
	size_t n = all_commands(commands);

	if (argc < 2)
		return help(stderr);
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
		strcmp(argv[1], "-h") == 0)
		return help(stdout);
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = (char *)"version";
	for (size_t i = 0; i < n; i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return run_command(commands[i], argc - 1, argv + 1);
	return unknown_command(argv[1]);
}

/* Whoever reads it may stop when there was enough: that is no message. */
static int stdout_failed(int error)
{
	return error == EPIPE ? EXIT_CANNOT
						  : fail(EXIT_CANNOT, "standard output cannot be written: %s", strerror(error));
}

int put_stdout(const struct buf *text)
{
	if (text->full)
		return fail(EXIT_CANNOT, "there is too much to print");
	errno = 0;
	if (!text->n || (fwrite(text->p, 1, text->n, stdout) == text->n && fflush(stdout) == 0))
		return 0;
	return stdout_failed(errno);
}

/* What was printed piece by piece has failed when the stream says so, then or now; why is asked of
 * the descriptor, as it may have been a while ago. */
int end_stdout(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (code == EXIT_CANNOT)
		return code; /* has been said */
	errno = 0;
	return stdout_failed(write(STDOUT_FILENO, "", 1) < 0 ? errno : EIO);
}

/* 0, 1 and 2 are taken, so that no file that is opened gets one of them; reading only, so that what is
 * printed to a closed one still fails. */
static void hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	hold_standard_fds();
	opterr = 0;
	signal(SIGPIPE, SIG_IGN);
	/* A file that would grow past a limit is an error to be undone, not the end in the middle. */
	signal(SIGXFSZ, SIG_IGN);
	/* The caller's mask says what others may do with what is made here, not that root may not. */
	umask(umask(0) & 077);
	return end_stdout(dispatch(argc, argv));
}
