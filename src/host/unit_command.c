/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unit_command.h"

#include "base/buf.h"
#include "base/num.h"
#include "host/glob.h"
#include "host/shell_words.h"
#include "host/specifier.h"

#define MAX_WORDS 1024
#define MAX_WORD (64 << 10)
#define MAX_VARIABLES 64 /* that are looked up for one unit */

struct reader {
	struct host *host;
	struct arena *arena;
	const struct unit_file *unit;
	struct unit_command *command; /* the one that is being read */
	struct env env;
	bool has_env;        /* env is read */
	const char *why_env; /* why more may be set; NULL: that is all */
	unsigned n_variables;
};

static void note(struct reader *r, const char *why)
{
	if (!r->command->why)
		r->command->why = arena_strdup(r->arena, why);
}

/* --- words ------------------------------------------------------------------------------------ */

/* The bytes that a backslash makes; what it does not, stays as it is. */
static size_t put_escape(struct buf *out, struct str s)
{
	static const char letters[] = "abfnrtv\\\"'s", means[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *at = s.n && s.p[0] ? strchr(letters, s.p[0]) : NULL;
	uint64_t code;

	if (at) {
		buf_putc(out, means[at - letters]);
		return 1;
	}
	if (s.n >= 3 && s.p[0] == 'x' && num_hex((struct str){s.p + 1, 2}, 255, &code) == 0 && code) {
		buf_putc(out, (char)code);
		return 3;
	}
	buf_putc(out, '\\');
	return 0;
}

/* `escapes`: a backslash may be in front of a letter that means something; else it takes the next byte
 * as it is. */
static bool take_word(struct arena *a, struct str *s, bool escapes, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF(MAX_WORD);
	char quote = '\0';

	*s = str_trim(*s);
	if (!s->n)
		return false;
	for (; s->n; s->p++, s->n--) {
		char c = s->p[0];

		if (c == '\\' && s->n > 1 && escapes) {
			size_t n = put_escape(&out, (struct str){s->p + 1, s->n - 1});

			s->p += n;
			s->n -= n;
		} else if (c == '\\' && s->n > 1) {
			s->p++, s->n--;
			buf_putc(&out, s->p[0]);
		} else if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? '\0' : c;
		} else if (!quote && c && strchr(" \t\r\n", c)) {
			break;
		} else {
			buf_putc(&out, c);
		}
	}
	*ret = (struct str){out.n ? str_dup(a, buf_get(&out)) : "", out.n};
	return true;
}

/* The next word as systemd splits values that it takes quotes and backslashes off. False at the end. */
static bool unit_word(struct arena *a, struct str *s, struct str *ret)
{
	return take_word(a, s, true, ret);
}

/* --- the environment -------------------------------------------------------------------------- */

static void put_assignments(struct arena *a, struct str unit, const struct conf_item *item,
							struct env *env)
{
	struct str rest = item->value, word, name;

	while (unit_word(a, &rest, &word)) {
		(void)specifier_expand(a, unit, word, &word);
		if (str_has_char(word, '=') && str_cut(&word, '=', &name))
			env_put(env, a, (struct env_item){name, word, item->file, item->line});
	}
}

void unit_environment(struct arena *a, const struct unit_file *unit, struct env *env)
{
	struct unit_values values = unitfile_values(unit, a, "Service", "Environment");

	for (size_t i = 0; i < values.n; i++)
		put_assignments(a, unit->name, values.items[i], env);
}

int unit_environment_files(struct host *host, struct arena *a, const struct unit_file *unit,
						   struct unit_paths *ret, struct err *err)
{
	struct unit_values values = unitfile_values(unit, a, "Service", "EnvironmentFile");
	int r = 0;

	*ret = (struct unit_paths){0};
	for (size_t i = 0; r == 0 && i < values.n; i++) {
		struct str path = values.items[i]->value, *found;
		size_t n = 0;

		(void)str_skip(&path, "-");
		if (!specifier_expand(a, unit->name, path, &path))
			return err_set(err, EINVAL,
						   "%s:%u: the name of a file of variables depends on the host",
						   values.items[i]->file, values.items[i]->line);
		r = host_glob(host, a, path, &found, &n, err);
		for (size_t k = 0; r == 0 && k < n; k++)
			*vec_push(a, &ret->all) = found[k];
	}
	return r;
}

/* What all services get that do not say otherwise. */
static void read_defaults(struct reader *r)
{
	struct conf conf = {0};
	struct err err = {0};

	if (conf_read_systemd(r->host, r->arena, "system.conf", &conf, &err) < 0)
		r->why_env = arena_strdup(r->arena, err.msg);
	if (conf.gap)
		r->why_env = conf.gap;
	for (size_t i = 0; i < conf.n; i++)
		if (str_is(conf.items[i].key, "DefaultEnvironment"))
			put_assignments(r->arena, r->unit->name, &conf.items[i], &r->env);
}

/* As systemd has it: what a file says counts more than what the unit says. */
static void read_environment(struct reader *r)
{
	struct unit_paths files;
	struct err err = {0};
	int e;

	r->has_env = true;
	read_defaults(r);
	unit_environment(r->arena, r->unit, &r->env);
	e = unit_environment_files(r->host, r->arena, r->unit, &files, &err);
	for (size_t i = 0; e == 0 && i < files.all.n; i++)
		e = envfile_read(r->host, r->arena, str_dup(r->arena, files.all.p[i]), &r->env, &err);
	if (e < 0)
		r->why_env = arena_strdup(r->arena, err.msg);
}

static bool names(struct reader *r, const char *setting, struct str name)
{
	struct unit_values values = unitfile_values(r->unit, r->arena, "Service", setting);

	for (size_t i = 0; i < values.n; i++) {
		struct str words = values.items[i]->value, word;

		while (unit_word(r->arena, &words, &word))
			if (str_eq(word, name))
				return true;
	}
	return false;
}

/* Absent: it is not set. */
static struct str variable(struct reader *r, struct str name)
{
	const struct env_item *item;

	if (++r->n_variables > MAX_VARIABLES) {
		note(r, "it has too many variables");
		return STR_ABSENT;
	}
	if (!r->has_env)
		read_environment(r);
	if (r->why_env)
		note(r, r->why_env);
	item = env_find(&r->env, name);
	if (names(r, "UnsetEnvironment", name) || (!item && names(r, "PassEnvironment", name)))
		note(r, arena_printf(r->arena, "systemd's own variable %.*s", STR_ARG(name)));
	return item ? item->value : STR_ABSENT;
}

/* --- commands --------------------------------------------------------------------------------- */

static void add_word(struct reader *r, struct str word)
{
	if (r->command->words.n < MAX_WORDS)
		*vec_push(r->arena, &r->command->words) = word;
	else
		note(r, "it has too many words");
}

/* ${NAME} within a word, and $$. */
static struct str replaced(struct reader *r, struct str word)
{
	_cleanup_buf_ struct buf out = BUF(MAX_WORD);

	while (word.n) {
		struct str name, rest = word;

		if (str_skip(&rest, "${") && str_has_char(rest, '}')) {
			(void)str_cut(&rest, '}', &name);
			buf_str(&out, variable(r, name));
			word = rest;
		} else {
			(void)str_skip(&word, word.n > 1 && word.p[0] == '$' && word.p[1] == '$' ? "$" : "");
			buf_putc(&out, word.p[0]);
			word.p++, word.n--;
		}
	}
	if (out.full)
		note(r, "its variables are too long");
	return (struct str){out.n ? str_dup(r->arena, buf_get(&out)) : "", out.n};
}

/* $NAME as a word of its own is split at blanks. */
static void add_expanded(struct reader *r, struct str word)
{
	struct str name = word, value;

	if (!str_has_char(word, '$')) {
		add_word(r, word);
	} else if (word.n > 1 && str_skip(&name, "$") && name.p[0] != '{' && name.p[0] != '$') {
		value = variable(r, name);
		while (value.p && take_word(r->arena, &value, false, &word))
			add_word(r, word);
	} else {
		add_word(r, replaced(r, word));
	}
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '_' || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
			  (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return s.n > 0;
}

/* A word of a shell's script; what the script sets or computes itself stays as it is written. */
static void add_shell_word(struct reader *r, struct str script, struct str word)
{
	struct str name = word, value;
	bool variable_alone = str_skip(&name, "$");

	if (str_skip(&name, "{") && str_ends(name, "}"))
		name.n--;
	if (!variable_alone || !is_name(name)) {
		add_word(r, word);
		return;
	}
	value = variable(r, name);
	if (!value.p && str_has(script, arena_printf(r->arena, "%.*s=", STR_ARG(name))))
		add_word(r, word);
	while (value.p && take_word(r->arena, &value, false, &word))
		add_word(r, word);
}

/* The next word; false at the end, and where a semicolon begins another command. */
static bool next(struct reader *r, struct str *line, struct str *ret)
{
	struct str rest;

	rest = *line = str_trim(*line);
	if (str_skip(&rest, ";") && (!rest.n || rest.p[0] == ' ' || rest.p[0] == '\t')) {
		*line = rest;
		return false;
	}
	if (!unit_word(r->arena, line, ret))
		return false;
	if (str_is(*ret, "\\;"))
		*ret = STR(";");
	if (!specifier_expand(r->arena, r->unit->name, *ret, ret))
		note(r, "one of its words depends on the host");
	return true;
}

static void read_command(struct reader *r, struct str *line, struct unit_command *command)
{
	bool named = false, literal = false;
	struct str word;

	r->command = command;
	*line = str_trim(*line);
	for (; line->n && line->p[0] && strchr("@-:+!|", line->p[0]); line->p++, line->n--) {
		named = named || line->p[0] == '@';
		literal = literal || line->p[0] == ':';
	}
	if (next(r, line, &word))
		add_word(r, word);
	/* The name that the program believes it was started by. */
	if (named)
		(void)next(r, line, &word);
	while (next(r, line, &word)) {
		if (literal)
			add_word(r, word);
		else
			add_expanded(r, word);
	}
}

static bool is_script(const struct unit_command *c)
{
	static const char *const shells[] = {"*/sh", "*/bash", "*/dash", "sh", "bash", "dash"};

	for (size_t i = 0; c->words.n > 2 && i < ARRAY_LEN(shells); i++)
		if (str_glob(shells[i], c->words.p[0]))
			return str_is(c->words.p[1], "-c");
	return false;
}

/* "exec X" is X. */
static void add_command(struct reader *r, struct unit_commands *ret, struct unit_command command)
{
	if (command.words.n > 1 && str_is(command.words.p[0], "exec")) {
		command.words.p++;
		command.words.n--;
	}
	if (command.words.n)
		*vec_push(r->arena, &ret->all) = command;
}

/* The commands of what `sh -c` is given, each as if it were the unit's own. */
static void add_script(struct reader *r, struct unit_commands *ret, const struct unit_command *of)
{
	struct shell_words words = SHELL_WORDS(r->arena);
	const struct unit_command first = {.item = of->item, .why = of->why};
	struct str script = words.in = of->words.p[2], word;

	r->command = arena_new(r->arena, struct unit_command, 1);
	*r->command = first;
	while (shell_word(&words, &word)) {
		if (words.command_ended) {
			add_command(r, ret, *r->command);
			*r->command = first;
		}
		add_shell_word(r, script, word);
	}
	add_command(r, ret, *r->command);
}

void unit_commands_read(struct host *host, struct arena *a, const struct unit_file *unit,
						struct unit_commands *ret)
{
	struct reader r = {.host = host, .arena = a, .unit = unit};
	struct unit_values values = unitfile_values(unit, a, "Service", "ExecStart");

	*ret = (struct unit_commands){0};
	for (size_t i = 0; i < values.n; i++) {
		struct str line = values.items[i]->value;

		while (str_trim(line).n) {
			struct unit_command command = {.item = values.items[i], .why = unit->unread};

			read_command(&r, &line, &command);
			if (is_script(&command))
				add_script(&r, ret, &command);
			else
				add_command(&r, ret, command);
		}
	}
}
