/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pam_stack.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"

#define MAX_LINES 20000 /* of all stacks together, includes counted each time */

/* Where a service's file is looked for: the administrator's, the distribution's, SUSE's. */
static const char *const directories[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d", NULL};

/* Left behind by package managers and editors: no program asks for a service of such a name. */
static const char *const leftovers[] = {
	".dpkg-old", ".dpkg-new", ".dpkg-dist", ".dpkg-tmp", ".rpmsave", ".rpmnew",
	".rpmorig",  ".ucf-old",  ".ucf-dist",  ".pam-old",  ".bak",     "~",
};

static const char *const types[] = {"auth", "account", "password", "session"};

/* A line as it stands in a file, its words apart. */
struct word {
	struct str text;
	bool bracketed;
};
struct raw_line {
	struct word *words;
	size_t n;
	struct str *args; /* from the fourth word on, shared by all stacks that the line is in */
	unsigned number;
};

struct pam_file {
	const char *path; /* NULL: nowhere */
	struct raw_line *lines;
	size_t n;
	const char *error;
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct pam_stack *stack;
	struct map files; /* service name or path -> struct pam_file */
	struct str service;
	unsigned positions[4];
	size_t walked;
	unsigned level;
};

static void gap(struct reader *r, const char *what)
{
	if (!r->stack->gap)
		r->stack->gap = arena_strdup(r->arena, what);
}

/* --- files --------------------------------------------------------------------------------- */

/* "[...]" is one word, which the first unescaped bracket ends; "\]" is a bracket within. */
static bool take_word(struct arena *arena, struct str *s, struct word *ret)
{
	struct str rest = *s;
	size_t n = 1, kept = 0;
	char *copy;

	while (rest.n && strchr(" \t\r\f\v", rest.p[0] ? rest.p[0] : 'x'))
		rest = (struct str){rest.p + 1, rest.n - 1};
	if (!str_starts(rest, "[")) {
		*ret = (struct word){0};
		*s = rest;
		return str_word(s, &ret->text);
	}
	copy = arena_alloc(arena, rest.n + 2);
	copy[kept++] = '[';
	for (; n < rest.n && rest.p[n] != ']'; n++) {
		if (rest.p[n] == '\\' && n + 1 < rest.n && rest.p[n + 1] == ']')
			n++;
		copy[kept++] = rest.p[n];
	}
	copy[kept++] = ']';
	n = MIN(n + 1, rest.n);
	*s = (struct str){rest.p + n, rest.n - n};
	*ret = (struct word){{copy, kept}, true};
	return true;
}

/* The next line of a file without comment; a backslash at its end, which PAM looks for once the
 * comment is gone, continues it. Blank lines and comments do not end a continued line. */
static bool assemble(struct reader *r, struct str *text, unsigned *number, unsigned *ret_number,
					 struct str *ret)
{
	_cleanup_buf_ struct buf joined = BUF(HOST_MAX_FILE);
	struct str line;
	bool more = true;

	while (more && str_line(text, &line)) {
		++*number;
		str_cut(&(struct str){line.p, line.n}, '#', &line);
		line = str_trim(line);
		if (!line.n)
			continue;
		if (!joined.n)
			*ret_number = *number;
		more = str_ends(line, "\\");
		if (!more && !joined.n) {
			*ret = line;
			return true;
		}
		buf_add(&joined, line.p, line.n - more);
		buf_putc(&joined, ' ');
	}
	*ret = (struct str){str_dup(r->arena, buf_get(&joined)), joined.n};
	return joined.n > 0;
}

static struct str *arguments(struct arena *arena, const struct word *words, size_t n)
{
	struct str *args = n > 3 ? arena_new(arena, struct str, n - 3) : NULL;

	for (size_t i = 3; i < n; i++) {
		struct str arg = words[i].text;

		args[i - 3] = words[i].bracketed ? (struct str){arg.p + 1, arg.n - 2} : arg;
	}
	return args;
}

static void split_file(struct reader *r, struct str text, struct pam_file *file)
{
	VEC(struct raw_line) lines = {0};
	unsigned number = 0, first = 0;
	struct str line;

	while (assemble(r, &text, &number, &first, &line)) {
		VEC(struct word) words = {0};
		struct word word;

		while (take_word(r->arena, &line, &word))
			*vec_push(r->arena, &words) = word;
		if (words.n)
			*vec_push(r->arena, &lines) =
				(struct raw_line){words.p, words.n, arguments(r->arena, words.p, words.n), first};
	}
	file->lines = lines.p;
	file->n = lines.n;
}

static int read_file(struct reader *r, const char *path, struct pam_file *file)
{
	struct err err = {0};
	struct str text;
	int result = host_read(r->host, path, r->arena, &text, &err);

	if (result == -ENOENT)
		return result;
	file->path = path;
	if (result < 0)
		file->error = arena_strdup(r->arena, err.msg);
	else
		split_file(r, text, file);
	return 0;
}

/* A service's file, or one by its path; read once. */
static const struct pam_file *get_file(struct reader *r, struct str name)
{
	struct pam_file *file = map_get(&r->files, name);

	if (file)
		return file;
	file = arena_new(r->arena, struct pam_file, 1);
	map_put(&r->files, name, file);
	if (str_starts(name, "/")) {
		read_file(r, str_dup(r->arena, name), file);
		return file;
	}
	for (size_t i = 0; directories[i]; i++)
		if (read_file(r, arena_printf(r->arena, "%s/%s", directories[i], str_dup(r->arena, name)),
					  file) == 0)
			break;
	return file;
}

/* --- stacks -------------------------------------------------------------------------------- */

static int type_index(struct str type)
{
	for (int i = 0; i < (int)ARRAY_LEN(types); i++)
		if (str_is_nocase(type, types[i]))
			return i;
	return -1;
}

/* "pam_unix.so" for "/lib/x86_64-linux-gnu/security/pam_unix.so" and "$ISA/pam_unix.so". A module
 * from anywhere else keeps its path. */
static struct str module_name(struct str module)
{
	struct str name = STR_ABSENT, rest = module;

	if (!str_starts(module, "$ISA/") &&
		!((str_starts(module, "/lib") || str_starts(module, "/usr/lib")) &&
		  str_has(module, "/security/")))
		return module;
	if (str_has(module, ".."))
		return module;
	while (str_cut(&rest, '/', &name))
		;
	return name;
}

/* The keywords in lower case, as PAM compares them; anything else as written. */
static struct str control_text(struct str control)
{
	static const char *const words[] = {"required", "requisite", "sufficient",
										"optional", "include",   "substack"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_is_nocase(control, words[i]))
			return str_of(words[i]);
	return control;
}

static struct pam_line *add_line(struct reader *r, const struct pam_file *file,
								 const struct raw_line *raw, struct str type, int type_number)
{
	struct pam_stack *stack = r->stack;
	struct pam_line *line;

	if (stack->n == stack->cap)
		stack->lines =
			vec_grow(r->arena, stack->lines, stack->n, &stack->cap, sizeof(*stack->lines));
	line = &stack->lines[stack->n++];
	*line = (struct pam_line){.service = r->service, .file = file->path, .line = raw->number};
	line->type = type;
	line->level = r->level;
	line->position = ++r->positions[type_number];
	return line;
}

static void add_module(struct reader *r, const struct pam_file *file, const struct raw_line *raw,
					   struct str type, int type_number, const char *note)
{
	struct pam_line *line = add_line(r, file, raw, type, type_number);

	line->note = note;
	line->fails = note && !str_starts(str_of(note), "with -");
	line->control = raw->n > 1 ? control_text(raw->words[1].text) : STR("");
	line->module = raw->n > 2 ? module_name(raw->words[2].text) : STR("");
	if (!line->module.n && !line->fails) {
		line->note = "no module is named: PAM fails here";
		line->fails = true;
	}
	line->args = raw->args;
	line->n_args = raw->n > 3 ? raw->n - 3 : 0;
}

static bool walk(struct reader *r, struct str name, int only_type, unsigned depth);

/* What "done" and "die" end, a jump passes over as one, and "reset" forgets. */
static bool walk_substack(struct reader *r, const struct pam_file *file, const struct raw_line *raw,
						  int number, unsigned depth)
{
	struct pam_line *begin = add_line(r, file, raw, str_of(types[number]), number);
	bool found;

	begin->position = 0;
	begin->substack = true;
	r->positions[number]--;
	r->level++;
	found = walk(r, raw->words[2].text, number, depth);
	r->level--;
	return found;
}

/* "include" and "substack" take the lines of their own type, Debian's "@include" all of them. */
static void walk_line(struct reader *r, const struct pam_file *file, const struct raw_line *raw,
					  int only_type, unsigned depth)
{
	struct str type = raw->words[0].text, control;
	bool quiet = str_skip(&type, "-");
	int number = type_index(type);
	const char *note = quiet ? "with - in front: a missing module is not logged" : NULL;

	if (str_is_nocase(raw->words[0].text, "@include")) {
		if (raw->n < 2 || !walk(r, raw->words[1].text, only_type, depth + 1))
			gap(r, arena_printf(r->arena, "%s:%u: the file to include cannot be read", file->path,
								raw->number));
		return;
	}
	if (number < 0) { /* PAM takes it for a line of the type that was asked for, and fails */
		number = only_type < 0 ? 0 : only_type;
		note = "not a type that PAM knows: it fails here";
	}
	type = str_of(types[number]);
	if (only_type >= 0 && number != only_type)
		return;
	control = raw->n > 1 ? raw->words[1].text : STR("");
	if (str_is_nocase(control, "include") || str_is_nocase(control, "substack")) {
		if (raw->n > 2 &&
			(str_is_nocase(control, "include") ? walk(r, raw->words[2].text, number, depth + 1)
											   : walk_substack(r, file, raw, number, depth + 1)))
			return;
		note = "the file cannot be read: PAM fails here";
	}
	add_module(r, file, raw, type, number, note);
}

/* False when there is no such file, or includes are nested too deeply. */
static bool walk(struct reader *r, struct str name, int only_type, unsigned depth)
{
	const struct pam_file *file;

	if (depth >= PAM_MAX_DEPTH)
		return false;
	file = get_file(r, name);
	if (file->error)
		gap(r, file->error);
	for (size_t i = 0; i < file->n; i++) {
		if (++r->walked > MAX_LINES) {
			gap(r, "the stacks of PAM have more than 20000 lines");
			break;
		}
		walk_line(r, file, &file->lines[i], only_type, depth);
	}
	return file->path != NULL;
}

static bool is_leftover(struct str name)
{
	if (str_starts(name, "."))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(leftovers); i++)
		if (str_ends(name, leftovers[i]))
			return true;
	return false;
}

int pam_read(struct host *host, struct arena *arena, struct pam_stack *ret, struct err *err)
{
	struct reader r = {.host = host, .arena = arena, .stack = ret};
	struct str *files;
	size_t n;
	int result = host_list_conf(host, directories, "", arena, &files, &n, err);

	*ret = (struct pam_stack){0};
	if (result < 0)
		return result;
	if (!n)
		return err_set(err, ENOENT,
					   "there are no services in /etc/pam.d; without PAM, programs "
					   "decide about logins themselves");
	map_init(&r.files, arena);
	for (size_t i = 0; i < n; i++) {
		struct str rest = files[i], name = STR_ABSENT;

		while (str_cut(&rest, '/', &name))
			;
		if (is_leftover(name))
			continue;
		r.service = name;
		memset(r.positions, 0, sizeof(r.positions));
		walk(&r, name, -1, 0);
	}
	return 0;
}
