/* SPDX-License-Identifier: Apache-2.0 */
#include "host/started.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/envfile.h"
#include "host/fields.h"
#include "host/procs.h"
#include "host/secret.h"
#include "host/unit_command.h"

struct reader {
	struct host *host;
	struct arena *arena;
	const struct started *what;
	struct started_commands *ret;
	struct map units; /* those that start it, by their names */
	struct str unit;  /* the one whose commands are read */
	bool starts;      /* it starts the program */
	struct str other; /* what it starts beside */
};

static bool is_among(const char *const *patterns, struct str s)
{
	for (; patterns && *patterns; patterns++)
		if (str_glob(*patterns, s))
			return true;
	return false;
}

static struct str file_name(struct str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash ? (struct str){slash + 1, (size_t)(path.p + path.n - slash - 1)} : path;
}

static bool is_program(const struct started *what, struct str path)
{
	return is_among(what->programs, path) || is_among(what->programs, file_name(path));
}

/* Is it one that serves? */
static bool serves(const struct started *what, struct str words)
{
	bool with = !what->with;
	struct str word;

	while (str_word(&words, &word)) {
		if (is_among(what->checks, word))
			return false;
		with = with || str_is(word, what->with);
	}
	return with;
}

/* --- the commands of all services --------------------------------------------------------------- */

/* Nothing starts a template, but a socket that starts an instance for each connection. */
static bool is_started(const struct unit_files *files, struct arena *a, const struct unit_file *u)
{
	struct str name = u->name, head = STR("");

	if (u->masked || u->alias_of.p || !str_ends(name, ".service"))
		return false;
	if (!str_has(name, "@."))
		return true;
	(void)str_cut(&name, '@', &head);
	return unitfile_starts(
		unitfiles_find(files, str_of(arena_printf(a, "%.*s.socket", STR_ARG(head)))));
}

/* Directories that are not those of the host. */
static bool is_elsewhere(const struct unit_file *u, struct arena *a)
{
	static const char *const binds[] = {"BindPaths", "BindReadOnlyPaths", "TemporaryFileSystem"};

	if (unitfile_value(u, "Service", "RootDirectory", NULL).n ||
		unitfile_value(u, "Service", "RootImage", NULL).n)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(binds); i++) {
		struct unit_values values = unitfile_values(u, a, "Service", binds[i]);

		for (size_t k = 0; k < values.n; k++)
			if (str_has(values.items[k]->value, "/etc"))
				return true;
	}
	return false;
}

static void put_unit(struct buf *out, const struct unit_file *u, const struct conf_item *item)
{
	buf_puts(out, "unit");
	fields_put(out, "name", u->name);
	fields_put(out, "file", str_of(item ? item->file : u->path));
	buf_printf(out, " line=%u", item ? item->line : 0);
	if (str_is(str_of(u->enabled), "disabled"))
		buf_puts(out, " disabled");
}

/* What is set for its commands: names, and files of more. */
static void put_environment(struct host *host, struct arena *a, const struct unit_file *u,
							struct buf *out)
{
	struct unit_paths files = {0};
	struct env env = {0};
	struct err ignored = {0};

	unit_environment(a, u, &env);
	/* An error is that of each command that needs a variable. */
	(void)unit_environment_files(host, a, u, &files, &ignored);
	for (size_t i = 0; i < env.n; i++)
		fields_put(out, "variable", env.p[i].name);
	vec_each(&files.all, path) fields_put(out, "variables", *path);
}

static void put_commands(struct host *host, struct arena *a, const struct unit_file *u,
						 struct buf *out)
{
	_cleanup_buf_ struct buf environment = BUF(HOST_MAX_FILE);
	bool elsewhere = is_elsewhere(u, a);
	struct unit_commands commands;

	put_environment(host, a, u, &environment);
	unit_commands_read(host, a, u, &commands);
	for (size_t i = 0; i < commands.all.n && !out->full; i++) {
		const struct unit_command *c = &commands.all.p[i];

		put_unit(out, u, c->item);
		if (elsewhere)
			fields_put(out, "why", STR("in directories of its own"));
		else if (c->why)
			fields_put(out, "why", str_of(c->why));
		fields_put(out, "command", str_squeeze(a, str_join(a, c->words.p, c->words.n, " ")));
		buf_str(out, buf_get(&environment));
		buf_putc(out, '\n');
	}
}

static int commands_live(struct host *host, struct buf *out, struct err *err _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct unit_files files;

	unitfiles_read(host, &a, NULL, &files);
	for (size_t i = 0; i < files.n; i++) {
		const struct unit_file *u = &files.p[i];

		if (!is_started(&files, &a, u))
			continue;
		if (u->sysv || u->unread) {
			put_unit(out, u, NULL);
			buf_puts(out, u->sysv ? " script" : "");
			fields_put(out, "why", str_of(u->unread));
			buf_putc(out, '\n');
			continue;
		}
		put_commands(host, &a, u, out);
	}
	return 0;
}

static const struct query commands_query = {
	.name = "unit-commands", .live = commands_live, .tree = true, .files = true};

/* --- which of them start the program --------------------------------------------------------------- */

struct unit_line {
	struct str name, file, command, why;
	unsigned number;
	bool disabled, script;
	struct str fields; /* the line */
};

static struct unit_line parse_line(struct arena *a, struct str fields)
{
	struct unit_line line = {.fields = fields};
	struct str name, value;
	uint64_t number = 0;

	while (fields_next(&fields, &name, &value)) {
		if (str_is(name, "name"))
			line.name = fields_plain(a, value);
		else if (str_is(name, "file"))
			line.file = fields_plain(a, value);
		else if (str_is(name, "command"))
			line.command = fields_plain(a, value);
		else if (str_is(name, "why"))
			line.why = fields_plain(a, value);
		else if (str_is(name, "line") && num_u64(value, 0, UINT32_MAX, &number) == 0)
			line.number = (unsigned)number;
		line.disabled = line.disabled || str_is(name, "disabled");
		line.script = line.script || str_is(name, "script");
	}
	return line;
}

static struct started_command *add(struct reader *r, struct str of, struct str file, unsigned line,
								   struct str words)
{
	struct started_command *c = vec_push(r->arena, r->ret);

	*c = (struct started_command){str_dup(r->arena, of), str_dup(r->arena, file), line,
								  str_trim(words), false};
	return c;
}

/* A program of the distribution, or one that is told where its configuration is, as a copy of somebody's
 * own has another built in. */
static int check_program(struct reader *r, struct str of, struct str program, struct str words,
						 struct err *err)
{
	static const char *const usual[] = {"/usr/bin/*", "/usr/sbin/*", "/usr/lib*", "/usr/share/*",
										"/bin/*",     "/sbin/*",     "/lib*",     "[!/]*",
										"",           NULL};

	if (is_among(usual, program) || str_has(words, "/etc/"))
		return 0;
	return err_set(err, ENOTSUP, "%s runs %s, whose configuration is not looked at",
				   str_dup(r->arena, of), str_dup(r->arena, program));
}

static int check_variable(struct reader *r, const struct unit_line *l, struct str name,
						  struct err *err)
{
	if (!is_among(r->what->variables, name))
		return 0;
	return err_set(err, ENOTSUP, "%s is started with the variable %s: what that sets is not known",
				   str_dup(r->arena, l->name), str_dup(r->arena, name));
}

static int check_variables(struct reader *r, const struct unit_line *l, struct err *err)
{
	struct str rest = l->fields, field, value;
	int e = 0;

	while (r->what->variables && e == 0 && fields_next(&rest, &field, &value)) {
		const char *plain = str_dup(r->arena, fields_plain(r->arena, value));
		struct env env = {0};

		if (str_is(field, "variable"))
			e = check_variable(r, l, str_of(plain), err);
		else if (str_is(field, "variables") && !is_among(r->what->followed, str_of(plain)))
			e = envfile_read(r->host, r->arena, plain, &env, err);
		for (size_t i = 0; e == 0 && i < env.n; i++)
			e = check_variable(r, l, env.p[i].name, err);
	}
	return e;
}

static int read_default(struct reader *r, struct str unit, const char *path, struct err *err)
{
	static const char *const options[] = {"*OPTS",  "*OPTIONS",      "*ARGS",
										  "*FLAGS", "command_args*", NULL};
	struct env env = {0};
	int e = envfile_read(r->host, r->arena, path, &env, err);

	if (e < 0)
		return e == -ENOENT || e == -ENOTDIR ? 0 : e;
	for (size_t i = 0; i < env.n; i++)
		if (is_among(options, env.p[i].name))
			add(r, unit, str_of(path), env.p[i].line, str_squeeze(r->arena, env.p[i].value))
				->partial = true;
	return 0;
}

/* Init scripts take options from these, as a rule. */
static int read_defaults(struct reader *r, struct str unit, struct err *err)
{
	struct str name = {unit.p, unit.n - strlen(".service")};
	int e = read_default(r, unit, arena_printf(r->arena, "/etc/default/%.*s", STR_ARG(name)), err);

	r->starts = true;
	if (e < 0)
		return e;
	return read_default(r, unit, arena_printf(r->arena, "/etc/conf.d/%.*s", STR_ARG(name)), err);
}

/* A unit of the usual name that starts something else may start the program by it. */
static int end_unit(struct reader *r, struct err *err)
{
	static const char *const nothing[] = {"/bin/true", "/usr/bin/true", NULL};

	if (r->starts || !r->other.n || is_among(nothing, r->other) ||
		!is_among(r->what->units, r->unit))
		return 0;
	return err_set(err, ENOTSUP, "%s starts %s: what that does is not known",
				   str_dup(r->arena, r->unit), str_dup(r->arena, r->other));
}

static int take_command(struct reader *r, const struct unit_line *l, struct str program,
						struct str words, struct err *err)
{
	int e = check_variables(r, l, err);

	if (e < 0)
		return e;
	if (l->why.p)
		return err_set(err, ENOTSUP, "what %s is started with is not known: %s",
					   str_dup(r->arena, l->name), str_dup(r->arena, l->why));
	r->starts = true;
	map_put(&r->units, l->name, r);
	add(r, l->name, l->file, l->number, words);
	return check_program(r, l->name, program, words, err);
}

/* One command, or a line without one, of a unit. */
static int take_unit(struct reader *r, const struct unit_line *l, struct err *err)
{
	struct str words = l->command, program = STR("");
	bool usual = is_among(r->what->units, l->name);
	int e = str_eq(l->name, r->unit) ? 0 : end_unit(r, err);

	if (e < 0)
		return e;
	if (!str_eq(l->name, r->unit)) {
		r->unit = l->name;
		r->starts = false;
		r->other = STR_ABSENT;
	}
	if (usual && (l->script || str_starts(l->command, "/etc/init.d/")))
		return read_defaults(r, l->name, err);
	if (usual && !l->command.n && l->why.p)
		return err_set(err, ENOTSUP, "what %s is started with is not known: %s",
					   str_dup(r->arena, l->name), str_dup(r->arena, l->why));
	(void)str_word(&words, &program);
	if (is_program(r->what, program) && serves(r->what, words))
		return l->disabled && !usual ? 0 : take_command(r, l, program, words, err);
	r->other = program;
	return 0;
}

/* Is the line of a unit or of a program that is looked for? Most are not, and are not taken apart. */
static bool is_about(const struct reader *r, struct str fields)
{
	struct str name, value;

	while (fields_next(&fields, &name, &value)) {
		if (str_is(name, "name") && is_among(r->what->units, value))
			return true;
		if (!str_is(name, "command"))
			continue;
		for (size_t n = 0; n < value.n; n++)
			if (value.p[n] == '\\') {
				value.n = str_starts((struct str){value.p + n, value.n - n}, "\\x20") ? n : value.n;
				break;
			}
		return str_has_char(value, '\\') || is_program(r->what, value);
	}
	return false;
}

static int read_units(struct reader *r, struct err *err)
{
	struct str text, line;
	int e = host_query(r->host, &commands_query, r->arena, &text, err);

	while (e == 0 && str_line(&text, &line)) {
		struct unit_line parsed;

		if (!is_about(r, line))
			continue;
		parsed = parse_line(r->arena, line);
		e = take_unit(r, &parsed, err);
	}
	if (e == 0)
		e = end_unit(r, err);
	/* Without systemd there is an init script. */
	for (const char *const *name = r->what->units; e == 0 && !r->unit.n && *name; name++)
		if (!str_is_glob(str_of(*name)))
			e = read_defaults(r, str_of(*name), err);
	return e;
}

/* --- and its processes ------------------------------------------------------------------------------ */

static bool is_ours(const struct reader *r, const struct proc *p)
{
	struct str words = p->cmdline, program = p->exe;

	if (program.n && is_program(r->what, program))
		return true;
	return str_word(&words, &program) && is_program(r->what, program);
}

static const struct proc *find_process(const struct procs *procs, uint32_t pid)
{
	for (size_t low = 0, high = procs->n; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (procs->p[middle].pid == pid)
			return &procs->p[middle];
		if (procs->p[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* What stands behind the program, also where a title stands in front of it: "sshd: /usr/sbin/sshd -D
 * [listener] 0 of 10-100 startups". Absent: it shows no command line. */
static struct str shown_words(const struct reader *r, struct str cmdline)
{
	struct str rest = cmdline, word;
	bool title = false;

	while (str_word(&rest, &word)) {
		size_t n = 0;

		if (!is_program(r->what, word)) {
			title = true;
			continue;
		}
		if (!rest.p)
			return STR("");
		while (n < rest.n && !(title && rest.p[n] == '['))
			n++;
		return (struct str){rest.p, n};
	}
	return STR_ABSENT;
}

static int take_process(struct reader *r, const struct proc *p, struct err *err)
{
	struct str words = shown_words(r, p->cmdline);
	struct str of = str_of(arena_printf(r->arena, "process %u", p->pid));

	if (p->unit.n && map_get(&r->units, p->unit) && is_among(r->what->titles, p->cmdline))
		return 0;
	if ((!words.p && !r->what->titles) || !serves(r->what, words))
		return 0;
	add(r, of, str_of(arena_printf(r->arena, "/proc/%u/cmdline", p->pid)), 0,
		words.p ? words : p->cmdline);
	return check_program(r, of, p->exe.n ? p->exe : STR(""), words, err);
}

/* A process of a program is one that the program itself did not start. */
static int read_processes(struct reader *r, struct err *err)
{
	struct procs procs;
	int e;

	if (!host_is_live(r->host))
		return 0;
	e = procs_read(r->host, r->arena, &procs, err);
	if (e == 0 && procs.gap)
		e = err_set(err, EACCES, "%s", procs.gap);
	if (e < 0)
		return err_context(err, "what runs is not known");
	for (size_t i = 0; e == 0 && i < procs.n; i++) {
		const struct proc *p = &procs.p[i], *parent = find_process(&procs, p->ppid);

		if (!p->inner && is_ours(r, p) && p->cmdline.n && !(parent && is_ours(r, parent)))
			e = take_process(r, p, err);
	}
	return e;
}

void started_early(struct host *host)
{
	procs_early(host);
}

/* --- what they are started with ------------------------------------------------------------------------ */

/* Takes what the pattern is about off the words, as many as it has itself. */
static bool take_usual(const char *pattern, struct str *words)
{
	struct str rest = *words, word = STR_ABSENT;
	size_t n = 1;

	for (const char *p = pattern; *p; p++)
		n += *p == ' ';
	while (n && str_word(&rest, &word))
		n--;
	if (n || str_has(word, "/../") ||
		!str_glob(pattern, (struct str){words->p, (size_t)(word.p + word.n - words->p)}))
		return false;
	*words = str_trim(rest);
	return true;
}

static bool take_one(const char *const *patterns, struct str *words)
{
	for (; patterns && *patterns; patterns++)
		if (take_usual(*patterns, words))
			return true;
	return false;
}

static int check_words(const struct started *what, struct arena *a, const struct started_command *c,
					   struct err *err)
{
	struct str words = c->words;
	bool complete = !what->needed || c->partial;

	while (words.n) {
		if (take_one(what->needed, &words))
			complete = true;
		else if (!take_one(what->usual, &words))
			return err_set(err, ENOTSUP, "%s is started with %s: what that sets is not known",
						   c->of, str_dup(a, secret_masked(a, words)));
	}
	return complete ? 0 : err_set(err, ENOTSUP, "%s is started without a configuration", c->of);
}

int started_commands(struct host *host, struct arena *a, const struct started *what,
					 struct started_commands *ret, struct err *err)
{
	struct reader r = {.host = host, .arena = a, .what = what, .ret = ret};
	int e;

	*ret = (struct started_commands){0};
	map_init(&r.units, a);
	e = read_units(&r, err);
	return e < 0 ? e : read_processes(&r, err);
}

int started_as_usual(struct host *host, struct arena *a, const struct started *what,
					 struct err *err)
{
	struct started_commands commands;
	int e = started_commands(host, a, what, &commands, err);

	for (size_t i = 0; e == 0 && i < commands.n; i++)
		e = check_words(what, a, &commands.p[i], err);
	return e;
}
