/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sudoers_parse.h"

#include "base/buf.h"
#include "base/vec.h"
#include "host/sudoers_lex.h"

#define MAX_DEPTH 128                  /* as sudo's MAX_SUDOERS_DEPTH */
#define MAX_FILES 1024                 /* opened in all */
#define MAX_TOTAL ((size_t)64 << 20)   /* bytes read in all */
#define MAX_EXPANDED ((size_t)1 << 20) /* members that aliases may turn into, in all */

const char *const sudoers_tag_names[SUDOERS_TAGS][2] = {
	[SUDOERS_PASSWD] = {"PASSWD", "NOPASSWD"},
	[SUDOERS_EXEC] = {"EXEC", "NOEXEC"},
	[SUDOERS_SETENV] = {"SETENV", "NOSETENV"},
	[SUDOERS_INPUT] = {"LOG_INPUT", "NOLOG_INPUT"},
	[SUDOERS_OUTPUT] = {"LOG_OUTPUT", "NOLOG_OUTPUT"},
	[SUDOERS_MAIL] = {"MAIL", "NOMAIL"},
	[SUDOERS_FOLLOW] = {"FOLLOW", "NOFOLLOW"},
	[SUDOERS_INTERCEPT] = {"INTERCEPT", "NOINTERCEPT"},
};

struct alias {
	struct sudoers_list list;
	bool open; /* being expanded: seen again, it is a loop */
};

struct parser {
	struct host *host;
	struct arena *arena;
	struct sudoers *out;
	size_t files, bytes;
	unsigned depth;
	const struct sudoers_file *file;
	struct sudoers_lexer lex;
};

typedef VEC(struct sudoers_member) members;

static void gap(struct parser *p, const char *what)
{
	if (!p->out->gap)
		p->out->gap = arena_printf(p->arena, "%s:%u: %s", p->file->path, p->lex.line, what);
}

/* --- lists --------------------------------------------------------------------------------- */

static bool list(struct sudoers_lexer *lex, enum sudoers_alias kind, struct sudoers_list *ret)
{
	members found = {0};

	do {
		struct sudoers_member m = {0};

		if (kind != SUDOERS_COMMANDS)
			m.negated = lex_negation(lex);
		if (kind == SUDOERS_COMMANDS ? !lex_command(lex, &m) : !lex_word(lex, &m.text))
			return false;
		*vec_push(lex->arena, &found) = m;
	} while (lex_take(lex, ','));
	*ret = (struct sudoers_list){found.p, found.n};
	return true;
}

/* Groups stand there by their names, without a mark. */
static bool groups(struct sudoers_lexer *lex, struct sudoers_list *ret)
{
	if (!list(lex, SUDOERS_RUNAS, ret))
		return false;
	for (size_t i = 0; i < ret->n; i++)
		if (str_starts(ret->items[i].text, "%") || str_starts(ret->items[i].text, "+"))
			return lex_bad(lex, "a group to run as is no name");
	return true;
}

static bool runas(struct sudoers_lexer *lex, const struct sudoers_runas **ret)
{
	struct sudoers_runas *r = arena_new(lex->arena, struct sudoers_runas, 1);

	if (lex_peek(lex) != ')' && lex_peek(lex) != ':' && !list(lex, SUDOERS_RUNAS, &r->users))
		return false;
	if (lex_take(lex, ':') && lex_peek(lex) != ')' && !groups(lex, &r->groups))
		return false;
	if (!lex_take(lex, ')'))
		return lex_bad(lex, "a parenthesis is not closed");
	r->myself = !r->users.n;
	*ret = r;
	return true;
}

/* --- user specifications ------------------------------------------------------------------- */

/* "NOPASSWD:" with blanks before the colon allowed. */
static bool take_tag(struct sudoers_lexer *lex, struct sudoers_tags *tags)
{
	struct sudoers_lexer at = *lex;
	struct str name;

	if (!lex_name(&at, &name) || !lex_take(&at, ':'))
		return false;
	for (size_t i = 0; i < SUDOERS_TAGS; i++)
		for (uint8_t k = 0; k < 2; k++)
			if (str_is(name, sudoers_tag_names[i][k])) {
				tags->set[i] = (uint8_t)(k + 1);
				*lex = at;
				return true;
			}
	return false;
}

/* "TIMEOUT=5m", "CWD=/tmp", "ROLE=..." and their like narrow a command down and are passed over. */
static bool take_option(struct sudoers_lexer *lex)
{
	static const char *const options[] = {
		"TIMEOUT", "NOTBEFORE", "NOTAFTER",         "CWD",   "CHROOT",
		"ROLE",    "TYPE",      "APPARMOR_PROFILE", "PRIVS", "LIMITPRIVS",
	};
	struct sudoers_lexer at = *lex;
	struct str name, ignored;

	if (!lex_name(&at, &name) || !lex_take(&at, '=') || !lex_value(&at, ":, \t\"", &ignored))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_is(name, options[i])) {
			*lex = at;
			return true;
		}
	return false;
}

/* What a command has from the one before it in the list, or says itself. */
struct context {
	const struct sudoers_runas *runas;
	struct sudoers_tags tags;
};

static bool command_context(struct sudoers_lexer *lex, struct context *ret)
{
	for (;;) {
		if (lex_take(lex, '(')) {
			if (!runas(lex, &ret->runas))
				return false;
		} else if (!take_tag(lex, &ret->tags) && !take_option(lex)) {
			return true;
		}
	}
}

static void add_rule(struct parser *p, const struct sudoers_rule *base, const struct context *c,
					 const members *commands)
{
	struct sudoers *out = p->out;
	struct sudoers_rule rule = *base;

	if (!commands->n)
		return;
	rule.commands = (struct sudoers_list){commands->p, commands->n};
	rule.runas = c->runas;
	rule.tags = c->tags;
	if (out->n_rules == out->cap_rules)
		out->rules =
			vec_grow(p->arena, out->rules, out->n_rules, &out->cap_rules, sizeof(*out->rules));
	out->rules[out->n_rules++] = rule;
}

static bool same_context(const struct context *a, const struct context *b)
{
	return a->runas == b->runas && memcmp(&a->tags, &b->tags, sizeof(a->tags)) == 0;
}

/* "HOSTS = COMMANDS": a rule for each run of commands with the same context. */
static bool privilege(struct parser *p, struct sudoers_rule *base)
{
	struct context now = {0}, last = {0};
	members commands = {0};

	if (!list(&p->lex, SUDOERS_HOSTS, &base->hosts))
		return false;
	if (!lex_take(&p->lex, '='))
		return lex_bad(&p->lex, "'=' is missing behind the hosts");
	do {
		struct sudoers_member m = {0};

		if (!command_context(&p->lex, &now))
			return false;
		if (!same_context(&now, &last)) {
			add_rule(p, base, &last, &commands);
			commands = (members){0};
		}
		last = now;
		if (!lex_command(&p->lex, &m))
			return false;
		*vec_push(p->arena, &commands) = m;
	} while (lex_take(&p->lex, ','));
	add_rule(p, base, &last, &commands);
	return true;
}

static bool user_spec(struct parser *p)
{
	struct sudoers_rule base = {.text = p->lex.whole, .file = p->file, .line = p->lex.line};

	if (!list(&p->lex, SUDOERS_USERS, &base.users))
		return false;
	do {
		if (!privilege(p, &base))
			return false;
	} while (lex_take(&p->lex, ':'));
	return true;
}

/* --- aliases ------------------------------------------------------------------------------- */

static bool alias_line(struct parser *p, enum sudoers_alias kind)
{
	do {
		struct alias *alias = arena_new(p->arena, struct alias, 1);
		struct str name;

		if (!lex_name(&p->lex, &name))
			return false;
		if (str_is(name, "ALL"))
			return lex_bad(&p->lex, "ALL is no name for an alias");
		if (!lex_take(&p->lex, '='))
			return lex_bad(&p->lex, "'=' is missing behind the alias");
		if (!list(&p->lex, kind, &alias->list))
			return false;
		if (map_get(&p->out->aliases[kind], name))
			return lex_bad(&p->lex, "the alias is defined already");
		map_put(&p->out->aliases[kind], name, alias);
	} while (lex_take(&p->lex, ':'));
	return true;
}

/* Takes the keyword of an alias line. */
static bool is_alias_line(struct sudoers_lexer *lex, enum sudoers_alias *ret)
{
	static const struct {
		const char *word;
		enum sudoers_alias kind;
	} words[] = {
		{"User_Alias", SUDOERS_USERS},   {"Host_Alias", SUDOERS_HOSTS},
		{"Runas_Alias", SUDOERS_RUNAS},  {"Cmnd_Alias", SUDOERS_COMMANDS},
		{"Cmd_Alias", SUDOERS_COMMANDS},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct str at = lex->in;

		if (str_skip(&at, words[i].word) && (str_starts(at, " ") || str_starts(at, "\t"))) {
			lex->in = at;
			*ret = words[i].kind;
			return true;
		}
	}
	return false;
}

static void expand(struct sudoers *s, struct arena *arena, enum sudoers_alias kind,
				   struct sudoers_list from, bool negate, members *out)
{
	for (size_t i = 0; i < from.n; i++) {
		struct sudoers_member m = from.items[i];
		struct alias *alias = map_get(&s->aliases[kind], m.text);

		m.negated = m.negated != negate;
		s->expanded++;
		if (!alias || s->expanded > MAX_EXPANDED || s->depth > MAX_DEPTH) {
			if (alias && !s->gap)
				s->gap = "the aliases of sudoers are nested too deeply or expand to over a million";
			*vec_push(arena, out) = m;
		} else if (alias->open) {
			s->gap = s->gap ? s->gap : "an alias of sudoers contains itself";
		} else {
			alias->open = true;
			s->depth++;
			expand(s, arena, kind, alias->list, m.negated, out);
			s->depth--;
			alias->open = false;
		}
	}
}

struct sudoers_list sudoers_expand(struct sudoers *s, struct arena *arena, enum sudoers_alias kind,
								   struct sudoers_list from)
{
	members out = {0};

	expand(s, arena, kind, from, false, &out);
	return (struct sudoers_list){out.p, out.n};
}

/* --- Defaults ------------------------------------------------------------------------------ */

static bool default_setting(struct sudoers_lexer *lex, struct sudoers_default *ret)
{
	char c;

	ret->op = lex_negation(lex) ? 'f' : 't';
	ret->value = STR_ABSENT;
	if (!lex_key(lex, &ret->key))
		return false;
	c = lex_peek(lex);
	if (c != '+' && c != '-' && c != '=')
		return true;
	ret->op = c;
	lex_take(lex, c);
	if (c != '=' && !lex_take(lex, '='))
		return lex_bad(lex, "'=' is missing");
	return lex_value(lex, "#=, \t\"", &ret->value);
}

static void add_default(struct parser *p, const struct sudoers_default *d)
{
	struct sudoers *out = p->out;

	if (out->n_defaults == out->cap_defaults)
		out->defaults = vec_grow(p->arena, out->defaults, out->n_defaults, &out->cap_defaults,
								 sizeof(*out->defaults));
	out->defaults[out->n_defaults++] = *d;
}

/* Whom a Defaults line is for, as written, without blanks: ":ops,%admin". A command has no
 * arguments here, so a blank that no comma is next to ends the list. */
static bool default_scope(struct sudoers_lexer *lex, struct str *ret)
{
	_cleanup_buf_ struct buf out = BUF(HOST_MAX_FILE);
	char c = lex_peek(lex);

	lex_take(lex, c);
	do {
		struct str name;

		buf_putc(&out, c);
		if (lex_negation(lex))
			buf_putc(&out, '!');
		c = lex_peek(lex);
		if (c == '/' || c == '^' ? !lex_value(lex, ", \t", &name) : !lex_word(lex, &name))
			return false;
		buf_str(&out, name);
		c = ',';
	} while (lex_take(lex, ','));
	*ret = (struct str){str_dup(lex->arena, buf_get(&out)), out.n};
	return true;
}

/* "Defaults" with a scope or a blank behind it; "Defaultsx" would be a user. */
static bool is_defaults_line(struct sudoers_lexer *lex)
{
	struct str at = lex->in;

	if (!str_skip(&at, "Defaults") || (at.n && !strchr(":@>! \t", at.p[0])))
		return false;
	lex->in = at;
	return true;
}

static bool defaults_line(struct parser *p)
{
	struct sudoers_default d = {.scope = STR(""), .file = p->file, .line = p->lex.line};

	if (p->lex.in.n && strchr(":@>!", p->lex.in.p[0]) && !default_scope(&p->lex, &d.scope))
		return false;
	do {
		if (!default_setting(&p->lex, &d))
			return false;
		add_default(p, &d);
	} while (lex_take(&p->lex, ','));
	return true;
}

/* --- files --------------------------------------------------------------------------------- */

static bool read_file(struct parser *p, const char *path, int honoured);

/* sudo ignores a file or directory that root does not own or that others may write to. */
static int is_secure(struct parser *p, const char *path, int outer)
{
	struct path_stat st;
	struct err ignored = {0};

	if (host_stat(p->host, path, true, &st, &ignored) < 0)
		return -1;
	if (st.uid != 0 || st.mode & S_IWOTH || (st.mode & S_IWGRP && st.gid != 0))
		return 0;
	return outer;
}

/* Names with a dot in them or a `~` at the end are no part of the configuration. */
static void read_dir(struct parser *p, const char *path)
{
	int honoured = is_secure(p, path, p->file->honoured);
	struct host_dir dir = {0};
	struct err err = {0};
	int r = host_list(p->host, path, p->arena, &dir, &err);

	if (r < 0 && r != -ENOENT)
		gap(p, err.msg);
	if (dir.more)
		gap(p, "the directory has too many entries");
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		struct str name = str_of(dir.entries[i].name);

		if (!str_has_char(name, '.') && !str_ends(name, "~"))
			read_file(p, arena_printf(p->arena, "%s/%s", path, dir.entries[i].name), honoured);
	}
}

/* sudo's %h: the host name up to its first dot. */
static struct str short_host_name(struct parser *p)
{
	struct str text, line, name;
	struct err ignored = {0};

	if (host_read(p->host, "/etc/hostname", p->arena, &text, &ignored) < 0 ||
		!str_line(&text, &line))
		return STR_ABSENT;
	line = str_trim(line);
	return str_cut(&line, '.', &name) ? name : STR_ABSENT;
}

/* Where an include leads: relative to the file that has it, %h replaced. NULL: not known. */
static const char *include_path(struct parser *p, struct str path)
{
	_cleanup_buf_ struct buf out = BUF(8192);
	struct str dir = str_of(p->file->path), name = STR_ABSENT;

	while (dir.n && dir.p[dir.n - 1] != '/')
		dir.n--;
	if (!str_starts(path, "/"))
		buf_str(&out, dir);
	if (str_has(path, "%h")) {
		name = short_host_name(p);
		if (!name.n)
			return NULL;
	}
	while (path.n) {
		if (str_skip(&path, "%h")) {
			buf_str(&out, name);
		} else {
			buf_putc(&out, path.p[0]);
			path = (struct str){path.p + 1, path.n - 1};
		}
	}
	return out.full ? NULL : str_dup(p->arena, buf_get(&out));
}

/* `#include` at the very start of a line, or `@include` of sudo 1.9.1 behind blanks; then `dir` for
 * a directory. *ret is what stands behind. */
static bool is_include(struct str line, bool *ret_dir, struct str *ret)
{
	bool hash = str_skip(&line, "#include");

	if (!hash) {
		line = str_trim(line);
		if (!str_skip(&line, "@include"))
			return false;
	}
	*ret_dir = str_skip(&line, "dir");
	*ret = str_trim(line);
	return str_starts(line, " ") || str_starts(line, "\t") || (!hash && str_starts(line, "\""));
}

static void include(struct parser *p, bool dir, struct str argument)
{
	struct sudoers_lexer at = {.arena = p->arena, .in = argument};
	const char *path = NULL;
	struct str name;

	if (lex_value(&at, " \t", &name))
		path = include_path(p, name);
	if (!path)
		gap(p, "what to include is not known");
	else if (dir)
		read_dir(p, path);
	else if (!read_file(p, path, p->file->honoured))
		gap(p, "the file to include is not there");
}

static void parse_line(struct parser *p)
{
	struct sudoers_lexer *lex = &p->lex;
	enum sudoers_alias kind;
	bool good;

	if (is_defaults_line(lex))
		good = defaults_line(p);
	else if (is_alias_line(lex, &kind))
		good = alias_line(p, kind);
	else
		good = user_spec(p);
	if (!good)
		gap(p, lex->problem);
	else if (lex_peek(lex))
		gap(p, "something is left at the end of the line");
}

static void parse_text(struct parser *p)
{
	for (;;) {
		struct str rest = p->lex.text, line = STR(""), argument;
		bool dir;

		if (str_line(&rest, &line) && is_include(line, &dir, &argument)) {
			p->lex.text = rest;
			p->lex.line = p->lex.next++;
			include(p, dir, argument);
		} else if (!lex_next_line(&p->lex)) {
			return;
		} else if (p->lex.in.n) {
			parse_line(p);
		}
	}
}

/* False: there is no such file, or it is no regular one. */
static bool read_file(struct parser *p, const char *path, int honoured)
{
	struct sudoers_lexer lex = {.arena = p->arena, .next = 1}, outer_lex = p->lex;
	struct sudoers_file *file = arena_new(p->arena, struct sudoers_file, 1);
	const struct sudoers_file *outer_file = p->file;
	struct err err = {0};
	int r;

	if (p->depth >= MAX_DEPTH || p->files >= MAX_FILES || p->bytes > MAX_TOTAL) {
		gap(p, "includes are nested too deeply, or there are too many of them");
		return true;
	}
	r = host_read(p->host, path, p->arena, &lex.text, &err);
	if (r == -ENOENT || r == -EINVAL || r == -EISDIR)
		return false;
	if (r < 0) {
		gap(p, err.msg);
		return true;
	}
	*file = (struct sudoers_file){path, is_secure(p, path, honoured)};
	p->files++;
	p->bytes += lex.text.n;
	p->depth++;
	p->file = file;
	p->lex = lex;
	parse_text(p);
	p->lex = outer_lex;
	p->file = outer_file;
	p->depth--;
	return true;
}

/* nsswitch.conf(5): "sudoers: files sss" has sudo ask a directory too. */
static bool asks_directory(struct str line)
{
	struct str word;

	if (!str_word(&line, &word) || !str_is(word, "sudoers:"))
		return false;
	while (str_word(&line, &word) && word.p[0] != '#')
		if (!str_is(word, "files") && word.p[0] != '[')
			return true;
	return false;
}

/* sudo.conf(5): the policy may come from another file or another plugin. */
static bool has_other_policy(struct str line)
{
	struct str word, name = STR_ABSENT, path = STR_ABSENT;

	if (!str_word(&line, &word) || !str_is(word, "Plugin") || !str_word(&line, &name) ||
		!str_word(&line, &path))
		return false;
	return str_has(line, "sudoers_file=") ||
		   (str_ends(name, "_policy") && !str_is(path, "sudoers.so") &&
			!str_ends(path, "/sudoers.so"));
}

/* What sudo goes by besides these files cannot be known here. */
static void look_for_others(struct parser *p, const char *path, bool (*is_other)(struct str line))
{
	struct str text = STR(""), line;
	struct err err = {0};
	unsigned number = 0;
	int r = host_read(p->host, path, p->arena, &text, &err);

	if (r < 0 && r != -ENOENT && !p->out->gap)
		p->out->gap = arena_strdup(p->arena, err.msg);
	while (r == 0 && str_line(&text, &line)) {
		number++;
		if (is_other(line) && !p->out->gap)
			p->out->gap =
				arena_printf(p->arena, "%s:%u: sudo has rules from elsewhere", path, number);
	}
}

int sudoers_read(struct host *host, struct arena *arena, struct sudoers *ret, struct err *err)
{
	static const char *const paths[] = {"/etc/sudoers", "/usr/etc/sudoers"}; /* the second: SUSE */
	struct sudoers_file none = {"/etc/sudoers", 1};
	struct parser p = {.host = host, .arena = arena, .out = ret, .file = &none};
	struct str text;
	int r = -ENOENT;

	*ret = (struct sudoers){0};
	for (size_t i = 0; i < SUDOERS_ALIASES; i++)
		map_init(&ret->aliases[i], arena);
	for (size_t i = 0; i < ARRAY_LEN(paths) && r == -ENOENT; i++) {
		r = host_read(host, paths[i], arena, &text, err);
		if (r == 0)
			read_file(&p, paths[i], 1);
	}
	if (r == 0) {
		look_for_others(&p, "/etc/nsswitch.conf", asks_directory);
		look_for_others(&p, "/etc/sudo.conf", has_other_policy);
	}
	return r == -ENOENT ? 0 : r;
}
