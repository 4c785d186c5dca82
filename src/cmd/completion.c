/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion scripts for shells, made from the commands' own tables. Names that depend on the host
 * (rules of the user's own) are asked of revet when they are needed; a user's shell runs these
 * scripts, so nothing but names of the program's own is in them.
 */
#include <stdio.h>

#include "cmd/cmd.h"

static const struct option_doc options[] = {{0}};

/* What can stand for a value: one of a few words, what a command lists, or a path. */
enum candidates { NOTHING, WORDS, LIST, FILES, DIRECTORIES };

struct values {
	enum candidates from;
	const char *words; /* of a list: its name */
	const char *(*make_words)(void);
};

/* What lists them, asked when it is needed. */
static const struct {
	const char *name, *command;
} lists[] = {
	{"rules", "revet rules 2>/dev/null | cut -d ' ' -f 1"},
	{"families", "revet rules 2>/dev/null | cut -d . -f 1 | sort -u"},
	{"tables", "revet table 2>/dev/null | cut -d ' ' -f 1"},
	{"profiles", "revet profiles 2>/dev/null | cut -d ' ' -f 1"},
	{"controls", "revet prove --plan 2>/dev/null | grep -v '^ ' | cut -d ' ' -f 1"},
	{"changes", "revet history 2>/dev/null | cut -d ' ' -f 1"},
};

static const char *report_names(void)
{
	static char names[256];

	if (!names[0])
		for (const struct report *const *r = LEAF_BEGIN(reports); r < LEAF_END(reports); r++)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
					 names[0] ? " " : "", (*r)->name);
	return names;
}

static const char *map_names(void)
{
	static char names[256];
	struct str name;

	names[0] = '\0';
	for (size_t i = 0; (name = numbering_name(i)).p; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.*s", i ? " " : "",
				 STR_ARG(name));
	return names;
}

static const struct {
	const char *name; /* an option's, or else the placeholder of its value */
	struct values values;
} known[] = {
	{"family", {LIST, "families", NULL}},
	{"rule", {LIST, "rules", NULL}},
	{"profile", {LIST, "profiles", NULL}},
	{"map", {WORDS, NULL, map_names}},
	{"FORMAT[=FILE]", {WORDS, NULL, report_names}},
	{"FORMAT[=OUT]",
	 {WORDS, "text documentation json junit nagios prometheus rspecish silent tap", NULL}},
	{"TYPE", {WORDS, "deb rpm apk pacman", NULL}},
	{"FORMAT", {WORDS, "text json", NULL}},
	{"SEVERITY", {WORDS, "low medium high critical none", NULL}},
	{"severity", {WORDS, "low medium high critical", NULL}},
	{"WHEN", {WORDS, "auto always never", NULL}},
	{"FILE", {FILES, NULL, NULL}},
	{"DIR", {DIRECTORIES, NULL, NULL}},
	/* the words of commands, by what their usage has */
	{"RULE", {LIST, "rules", NULL}},
	{"FILE...", {FILES, NULL, NULL}},
	{"FROM TO", {FILES, NULL, NULL}},
	{"[PLAN]", {FILES, NULL, NULL}},
	{"[CONTROL...]", {LIST, "controls", NULL}},
	{"N", {LIST, "changes", NULL}},
	{"[N]", {LIST, "changes", NULL}},
	{"[NAME [KEY...]]", {LIST, "tables", NULL}},
	{"bash|zsh|fish", {WORDS, "bash zsh fish", NULL}},
};

static struct values values_of(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(known); i++) {
		struct values v = known[i].values;

		if (strcmp(known[i].name, name) != 0)
			continue;
		v.words = v.make_words ? v.make_words() : v.words;
		return v;
	}
	return (struct values){NOTHING, NULL, NULL};
}

static struct values option_values(const struct option_doc *o)
{
	struct values v = values_of(o->name);

	return v.from == NOTHING ? values_of(o->value) : v;
}

/* For a string between apostrophes, in which the shell leaves all else alone. */
static void put_quoted(const char *s, const char *also)
{
	putchar('\'');
	for (; *s; s++)
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			printf(strchr(also, *s) ? "\\%c" : "%c", *s);
	putchar('\'');
}

static void put_lists(void)
{
	puts("_revet_list() {\n\tcase $1 in");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		printf("\t%s) %s ;;\n", lists[i].name, lists[i].command);
	puts("\tesac\n}");
}

/* --- bash ------------------------------------------------------------------------------------ */

static void put_bash_values(struct values v)
{
	if (v.from == WORDS)
		printf("_revet_words '%s'", v.words);
	else if (v.from == FILES)
		fputs("_revet_paths -f", stdout);
	else if (v.from == DIRECTORIES)
		fputs("_revet_paths -d", stdout);
	else if (v.from == NOTHING)
		putchar(':');
	else
		printf("_revet_words \"$(_revet_list %s)\"", v.words);
}

static void put_bash_command(const struct command *c)
{
	for (const struct option_doc *o = c->options; o->name; o++) {
		if (!o->value)
			continue;
		printf("\t%s:--%s", c->name, o->name);
		if (o->letter)
			printf(" | %s:-%c", c->name, o->letter);
		fputs(") ", stdout);
		put_bash_values(option_values(o));
		puts(" ;;");
	}
	printf("\t%s:*)\n\t\tcase $cur in\n\t\t-*) _revet_words '--help", c->name);
	for (const struct option_doc *o = c->options; o->name; o++)
		printf(" --%s", o->name);
	fputs("' ;;\n\t\t*) ", stdout);
	put_bash_values(values_of(c->words));
	puts(" ;;\n\t\tesac\n\t\t;;");
}

static void write_bash(void)
{
	fputs("# bash completion for revet; made by: revet completion bash\n", stdout);
	put_lists();
	fputs("_revet_words() {\n"
		  "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
		  "}\n"
		  "_revet_paths() {\n"
		  "\tcompopt -o filenames 2>/dev/null\n"
		  "\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
		  "}\n"
		  "_revet() {\n"
		  "\tlocal IFS=$' \\t\\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		  "\tCOMPREPLY=()\n"
		  "\tif [ \"$cur\" = = ]; then # readline takes --option=value apart\n"
		  "\t\tcur=\n"
		  "\telif [ \"$prev\" = = ]; then\n"
		  "\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
		  "\tfi\n"
		  "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
		  "\t\t_revet_words 'help", stdout);
	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++)
		printf(" %s", (*c)->name);
	puts("'\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]}:$prev in");
	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++)
		put_bash_command(*c);
	puts("\tesac\n}\ncomplete -F _revet revet");
}

/* --- zsh ------------------------------------------------------------------------------------- */

static void put_zsh_values(struct values v)
{
	if (v.from == WORDS)
		printf("(%s)", v.words);
	else if (v.from == FILES)
		fputs("_files", stdout);
	else if (v.from == DIRECTORIES)
		fputs("_files -/", stdout);
	else if (v.from == NOTHING)
		putchar(' ');
	else
		printf("{compadd -- $(_revet_list %s)}", v.words);
}

static void put_zsh_option(const struct option_doc *o)
{
	static const char special[] = "[]:\\";
	const char *forms[] = {o->name, o->letter ? &o->letter : NULL};

	for (size_t i = 0; i < ARRAY_LEN(forms) && forms[i]; i++) {
		fputs(" \\\n\t\t\t'*'", stdout);
		if (i)
			printf("-%c%s", o->letter, o->value ? "+" : "");
		else
			printf("--%s%s", o->name, o->value ? "=" : "");
		put_quoted("[", "");
		put_quoted(o->doc, special);
		put_quoted("]", "");
		if (!o->value)
			continue;
		putchar(':');
		put_quoted(o->value, special);
		fputs(":'", stdout);
		put_zsh_values(option_values(o));
		putchar('\'');
	}
}

static void write_zsh(void)
{
	fputs("#compdef revet\n# zsh completion for revet; made by: revet completion zsh\n", stdout);
	put_lists();
	puts("_revet() {\n\tlocal -a commands=(");
	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++) {
		printf("\t\t%s:", (*c)->name);
		put_quoted((*c)->doc, ":\\");
		putchar('\n');
	}
	puts("\t\thelp:'list the commands'\n\t)\n"
		 "\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
		 "\tlocal command=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $command in");
	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++) {
		printf("\t%s)\n\t\t_arguments -s", (*c)->name);
		for (const struct option_doc *o = (*c)->options; o->name; o++)
			put_zsh_option(o);
		fputs(" \\\n\t\t\t'--help[list the options]' '*: :", stdout);
		put_zsh_values(values_of((*c)->words));
		puts("'\n\t\t;;");
	}
	puts("\tesac\n}\nif [ \"$funcstack[1]\" = _revet ]; then\n\t_revet \"$@\"\nelse\n"
		 "\tcompdef _revet revet\nfi");
}

/* --- fish ------------------------------------------------------------------------------------ */

static void put_fish_values(struct values v)
{
	if (v.from == WORDS)
		printf(" -x -a '%s'", v.words);
	else if (v.from == FILES)
		fputs(" -r -F", stdout);
	else if (v.from == DIRECTORIES)
		fputs(" -x -a '(__fish_complete_directories (commandline -ct))'", stdout);
	else if (v.from == NOTHING)
		fputs(" -x", stdout);
	else
		printf(" -x -a '(__revet_list %s)'", v.words);
}

static void put_fish_command(const struct command *c)
{
	struct values words = values_of(c->words);

	printf("complete -c revet -n __fish_use_subcommand -a %s -d ", c->name);
	put_quoted(c->doc, "\\");
	putchar('\n');
	for (const struct option_doc *o = c->options; o->name; o++) {
		printf("complete -c revet -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->value)
			put_fish_values(option_values(o));
		fputs(" -d ", stdout);
		put_quoted(o->doc, "\\");
		putchar('\n');
	}
	if (words.from == NOTHING)
		return;
	printf("complete -c revet -n '__fish_seen_subcommand_from %s'", c->name);
	put_fish_values(words);
	putchar('\n');
}

static void write_fish(void)
{
	fputs("# fish completion for revet; made by: revet completion fish\n"
		  "function __revet_list\n"
		  "\tswitch $argv[1]\n", stdout);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		printf("\tcase %s\n\t\t%s\n", lists[i].name, lists[i].command);
	fputs("\tend\n"
		  "end\n"
		  "complete -c revet -f\n"
		  "complete -c revet -n __fish_use_subcommand -a help -d 'list the commands'\n"
		  "complete -c revet -l help -s h -d 'list the options'\n", stdout);
	for (const struct command *const *c = LEAF_BEGIN(commands); c < LEAF_END(commands); c++)
		put_fish_command(*c);
}

static int run_completion(const struct given *g)
{
	const char *shell = g->words[0];

	if (strcmp(shell, "bash") == 0)
		write_bash();
	else if (strcmp(shell, "zsh") == 0)
		write_zsh();
	else if (strcmp(shell, "fish") == 0)
		write_fish();
	else
		return fail(EXIT_USAGE, "completion takes one shell: bash, zsh or fish");
	return EXIT_DONE;
}

static const struct command completion_command = {
	"completion", "bash|zsh|fish", "print the completion script of a shell", options, 1, 1,
	run_completion};
COMMAND(completion_command);
