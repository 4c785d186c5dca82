/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsyslog.conf and what it includes: what is taken in, and where it goes. Both of its languages are
 * read, lines of sysklogd's kind and RainerScript, which may be mixed within one statement.
 */
#include "base/map.h"
#include "base/num.h"
#include "host/glob.h"
#include "host/rsyslog_text.h"
#include "host/secret.h"
#include "host/table.h"

enum { KIND, SELECTOR, WITHIN, DISCARDED, TARGET, ACTION, PROTOCOL, TLS, CREATE_MODE, TEXT };

static const struct column columns[] = {
	[KIND] = {"kind", TYPE_STRING, "rule, module, input or global", COLUMN_LABEL},
	[SELECTOR] = {"selector", TYPE_STRING,
				  "Messages that a rule is for, as written; absent: all that come by",
				  COLUMN_LABEL},
	[WITHIN] =
		{"within", TYPE_STRING,
		 "Condition of the block around a rule, or the ruleset that it is in when that is not the "
		 "default one, or that the action before it is suspended; absent: it is asked of every message",
		 0},
	[DISCARDED] =
		{"discarded", TYPE_LIST,
		 "Selectors of the messages that statements before a rule have discarded; absent: none", 0},
	[TARGET] = {"target", TYPE_STRING, "File, host or program that they go to", COLUMN_LABEL},
	[ACTION] = {"action", TYPE_STRING, "file, remote, discard, pipe, user, program or other", 0},
	[PROTOCOL] = {"protocol", TYPE_STRING, "udp, tcp or relp, of a remote one", 0},
	[TLS] = {"tls", TYPE_BOOL, "They are sent encrypted, of a remote one", 0},
	[CREATE_MODE] = {"create_mode", TYPE_MODE, "Permissions of the files that a rule makes", 0},
	[TEXT] = {"text", TYPE_STRING, "The statement as written, blanks squeezed", 0},
	{0},
};

#define MAX_DEPTH 16
#define MAX_FILES 1024
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_BLOCKS 64
#define MAX_DISCARDED 64
#define STANDBY STR("the action before it is suspended")
#define DEFAULT_MODE 0644
#define DEFAULT_UMASK 022
#define DEFAULT_RULESET "RSYSLOG_DefaultRuleset"

/* A rule that only what calls its ruleset hands messages to. */
struct inside {
	struct row *row;
	struct str ruleset;
};

struct reader {
	struct host *host;
	struct rows *rows;
	size_t bytes, files;
	/* What the legacy directives have set for the actions that follow. */
	bool send_mode, send_driver_tls, send_driver_set;
	bool standby;                 /* for when the one before is suspended */
	bool default_tls;             /* the driver of all streams that name none */
	VEC(struct row *) by_default; /* whose encryption depends on it */
	unsigned legacy_mode, module_mode, umask;
	struct str ruleset;        /* that $RuleSet has begun; absent: the default one */
	VEC(struct inside) inside; /* rules of rulesets that are not the default one */
	struct map called;         /* rulesets that every message comes to */
	VEC(struct str) discarded; /* of the default ruleset, so far */
};

struct block {
	struct str selector;
	struct str ruleset; /* absent: it is none */
};

/* A file with what stands around the place that is read. */
struct file {
	const char *path;
	struct rsyslog_text text;
	struct str selector; /* of the statement before, for "&" */
	struct str decided;  /* the condition of the last "if", for "else" */
	struct str ruleset;  /* whose block begins next */
	struct block blocks[MAX_BLOCKS];
	size_t n_blocks;
};

/* --- rows -------------------------------------------------------------------------------------- */

static struct row *add_row(struct reader *r, const char *kind, struct from from, struct str text)
{
	struct row *row = rows_add(r->rows, from);

	row_strz(row, KIND, kind);
	row_str(row, TEXT, secret_masked(r->rows->arena, rsyslog_squeeze(r->rows->arena, text)));
	return row;
}

/* The innermost condition around, but for the rule's own selector. */
static struct str condition_around(const struct file *f)
{
	for (size_t i = f->n_blocks; i-- > 0;)
		if (f->blocks[i].selector.p && f->blocks[i].selector.p != f->selector.p &&
			!str_is(f->blocks[i].selector, "*.*"))
			return f->blocks[i].selector;
	return STR_ABSENT;
}

static struct str ruleset_around(const struct reader *r, const struct file *f)
{
	for (size_t i = f->n_blocks; i-- > 0;)
		if (f->blocks[i].ruleset.p)
			return f->blocks[i].ruleset;
	return r->ruleset;
}

static void set_discarded(struct reader *r, struct row *row)
{
	if (r->discarded.n > MAX_DISCARDED)
		row_unknown(row, DISCARDED, "very many statements discard messages");
	else if (r->discarded.n)
		row_list(row, DISCARDED, r->discarded.p, r->discarded.n);
}

/* A rule of the file's selector: what it is in, and what does not come to it. */
static struct row *add_rule(struct reader *r, const struct file *f, struct from from,
							struct str text)
{
	struct row *row = add_row(r, "rule", from, text);
	struct str condition = condition_around(f), ruleset = ruleset_around(r, f);

	row_str(row, SELECTOR, f->selector);
	row_str(row, WITHIN, condition);
	if (r->standby)
		row_str(row, WITHIN, STANDBY);
	if (!ruleset.p)
		set_discarded(r, row);
	else if (!condition.p)
		*vec_push(r->rows->arena, &r->inside) = (struct inside){row, ruleset};
	return row;
}

/* Messages of other hosts; any other condition names but a few, and what "else" is for is nearly all. */
static bool is_about_origin(struct str condition)
{
	static const char *const names[] = {"fromhost", "hostname", "source", "inputname"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_has(condition, names[i]))
			return true;
	return false;
}

/* What is discarded in a condition within another one is a part of it that nobody can name. */
static void note_discard(struct reader *r, const struct file *f, const struct row *row)
{
	bool all = !f->selector.p || (str_is(f->selector, "else") && !is_about_origin(f->decided));
	struct str selector = all ? STR("*.*") : f->selector;
	size_t n = r->discarded.n;

	if (row->cells[ACTION].state != VALUE_SET || !str_is(row->cells[ACTION].string, "discard") ||
		condition_around(f).p || ruleset_around(r, f).p || n > MAX_DISCARDED ||
		(n && str_eq(r->discarded.p[n - 1], selector)))
		return;
	*vec_push(r->rows->arena, &r->discarded) = selector;
}

static void set_mode(struct row *row, struct str text, unsigned otherwise)
{
	unsigned mode;

	row_int(row, CREATE_MODE, num_mode(text, &mode) == 0 ? mode : otherwise);
}

static void set_action(struct row *row, const char *action, struct str target)
{
	row_strz(row, ACTION, action);
	if (target.n)
		row_str(row, TARGET, target);
}

static bool is_tls_driver(struct str name)
{
	return str_is_nocase(name, "gtls") || str_is_nocase(name, "ossl") ||
		   str_is_nocase(name, "mbedtls");
}

/* Whether a stream is encrypted: mode 1 asks for it, the driver must be one that can. */
static void set_tls(struct reader *r, struct row *row, bool mode, bool driver_set, bool driver_tls)
{
	row_bool(row, TLS, mode && driver_set && driver_tls);
	if (mode && !driver_set)
		*vec_push(r->rows->arena, &r->by_default) = row;
}

/* What an action names, without the template behind it. */
static struct str without_template(struct str target)
{
	struct str plain = STR("");

	str_cut(&target, ';', &plain);
	return str_trim(plain);
}

/* "@@(z9)host:port;template", behind the first "@". */
static void set_forward(struct reader *r, struct row *row, struct str target)
{
	bool tcp = str_skip(&target, "@");
	struct str options;

	if (str_starts(target, "(") && str_has_char(target, ')'))
		str_cut(&target, ')', &options);
	set_action(row, "remote", without_template(target));
	row_strz(row, PROTOCOL, tcp ? "tcp" : "udp");
	set_tls(r, row, tcp && r->send_mode, r->send_driver_set, r->send_driver_tls);
}

/* ":omrelp:host:port" and other modules. */
static void set_module_action(struct reader *r, struct row *row, struct str rest)
{
	struct str module;

	str_cut(&rest, ':', &module);
	if (str_is(module, "omrelp")) {
		set_action(row, "remote", rest);
		row_strz(row, PROTOCOL, "relp");
		row_bool(row, TLS, false);
	} else if (str_is(module, "omusrmsg")) {
		set_action(row, "user", rest);
	} else if (str_is(module, "omfile")) {
		set_action(row, "file", rest);
		row_int(row, CREATE_MODE, r->legacy_mode);
	} else {
		set_action(row, "other", module);
	}
}

static void set_legacy_action(struct reader *r, struct row *row, struct str action)
{
	struct str target = action;

	if (str_is(action, "stop") || str_is(action, "~")) {
		set_action(row, "discard", STR_ABSENT);
	} else if (str_skip(&target, "@")) {
		set_forward(r, row, target);
	} else if (str_skip(&target, ":")) {
		set_module_action(r, row, target);
	} else if (str_skip(&target, "|")) {
		set_action(row, "pipe", without_template(target));
	} else if (str_skip(&target, "^")) {
		set_action(row, "program", without_template(target));
	} else {
		bool file;

		str_skip(&target, "-");
		file = str_starts(target, "/") || str_starts(target, "?");
		set_action(row, file ? "file" : "user", without_template(target));
		if (file)
			row_int(row, CREATE_MODE, r->legacy_mode);
	}
}

static void set_remote(struct reader *r, struct row *row, const struct rsyslog_params *p, bool relp)
{
	struct str protocol = rsyslog_param(p, "protocol"), driver = rsyslog_param(p, "StreamDriver");
	struct str name = rsyslog_param(p, "StreamDriver.Name"),
			   mode = rsyslog_param(p, "StreamDriverMode");
	struct str target = rsyslog_param(p, "target"), port = rsyslog_param(p, "port");

	if (!driver.p)
		driver = name;
	if (!mode.p)
		mode = rsyslog_param(p, "StreamDriver.Mode");
	if (port.n)
		target = str_of(arena_printf(r->rows->arena, "%s:%s", str_dup(r->rows->arena, target),
									 str_dup(r->rows->arena, port)));
	set_action(row, "remote", target);
	row_strz(row, PROTOCOL, relp ? "relp" : str_is_nocase(protocol, "tcp") ? "tcp" : "udp");
	if (relp)
		row_bool(row, TLS, str_is_nocase(rsyslog_param(p, "tls"), "on"));
	else
		set_tls(r, row, str_is_nocase(protocol, "tcp") && str_is(mode, "1"), driver.p,
				is_tls_driver(driver));
}

static void set_object_action(struct reader *r, struct row *row, const struct rsyslog_params *p)
{
	struct str type = rsyslog_param(p, "type"), file = rsyslog_param(p, "file");

	if (str_is_nocase(rsyslog_param(p, "action.execOnlyWhenPreviousIsSuspended"), "on"))
		row_str(row, WITHIN, STANDBY);
	if (str_is_nocase(type, "omfwd") || str_is_nocase(type, "omrelp"))
		set_remote(r, row, p, str_is_nocase(type, "omrelp"));
	else if (str_is_nocase(type, "omfile")) {
		set_action(row, "file", file.p ? file : rsyslog_param(p, "dynaFile"));
		set_mode(row, rsyslog_param(p, "fileCreateMode"), r->module_mode);
	} else if (str_is_nocase(type, "ompipe"))
		set_action(row, "pipe", rsyslog_param(p, "pipe"));
	else if (str_is_nocase(type, "omusrmsg"))
		set_action(row, "user", rsyslog_param(p, "users"));
	else if (str_is_nocase(type, "omprog"))
		set_action(row, "program", rsyslog_param(p, "binary"));
	else
		set_action(row, "other", type);
}

/* --- statements -------------------------------------------------------------------------------- */

static void read_file(struct reader *r, const char *path, unsigned depth);

static void include(struct reader *r, struct str pattern, struct from from, unsigned depth)
{
	struct str *paths;
	struct err err = {0};
	size_t n;

	if (depth >= MAX_DEPTH) {
		rows_gap(r->rows, "%s:%u: too many includes within one another", from.path, from.line);
		return;
	}
	if (str_ends(pattern, "/")) /* a directory: all that is in it */
		pattern = str_of(arena_printf(r->rows->arena, "%s*", str_dup(r->rows->arena, pattern)));
	if (host_glob(r->host, r->rows->arena, pattern, &paths, &n, &err) < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(r, paths[i].p, depth + 1);
}

/* A ruleset that $RuleSet begins goes on behind the end of the file. */
static void read_scope_directive(struct reader *r, struct str name, struct str value)
{
	unsigned mode;

	if (str_is_nocase(name, "$RuleSet"))
		r->ruleset = str_is(value, DEFAULT_RULESET) ? STR_ABSENT : value;
	else if (str_is_nocase(name, "$DefaultRuleset") && value.n)
		map_put(&r->called, value, r);
	else if (str_is_nocase(name, "$FileCreateMode") && num_mode(value, &mode) == 0)
		r->legacy_mode = mode;
	else if (str_is_nocase(name, "$Umask") && num_mode(value, &mode) == 0)
		r->umask = mode;
}

/* $Directive value */
static void read_directive(struct reader *r, struct str line, struct from from, unsigned depth)
{
	struct str rest = line, name, value = STR("");
	const char *kind = "global";

	str_word(&rest, &name);
	str_word(&rest, &value);
	if (str_is_nocase(name, "$IncludeConfig")) {
		include(r, value, from, depth);
		return;
	}
	if (str_is_nocase(name, "$ModLoad"))
		kind = "module";
	else if (str_ends(name, "ServerRun") || str_is_nocase(name, "$UDPServerRun") ||
			 str_is_nocase(name, "$InputTCPServerRun") ||
			 str_is_nocase(name, "$InputRELPServerRun"))
		kind = "input";
	else if (str_is_nocase(name, "$DefaultNetstreamDriver"))
		r->default_tls = is_tls_driver(value);
	else if (str_is_nocase(name, "$ActionExecOnlyWhenPreviousIsSuspended"))
		r->standby = str_is_nocase(value, "on");
	else if (str_is_nocase(name, "$ActionSendStreamDriverMode"))
		r->send_mode = str_is(value, "1");
	else if (str_is_nocase(name, "$ActionSendStreamDriver")) {
		r->send_driver_set = true;
		r->send_driver_tls = is_tls_driver(value);
	} else {
		read_scope_directive(r, name, value);
	}
	add_row(r, kind, from, line);
}

static struct str current_selector(const struct file *f)
{
	return f->n_blocks ? f->blocks[f->n_blocks - 1].selector : STR_ABSENT;
}

/* What it says of modes holds for the action() that follow, not for lines of the older kind. */
static void read_module(struct reader *r, const struct rsyslog_params *p)
{
	struct str load = rsyslog_param(p, "load");
	unsigned mode;

	str_skip(&load, "builtin:");
	if (str_is_nocase(load, "omfile") && num_mode(rsyslog_param(p, "fileCreateMode"), &mode) == 0)
		r->module_mode = mode;
}

static void add_object(struct reader *r, struct file *f, struct str name,
					   const struct rsyslog_params *p, struct str text, struct from from,
					   unsigned depth)
{
	struct str driver = rsyslog_param(p, "defaultNetstreamDriver");
	unsigned mode;

	if (str_is_nocase(name, "action")) {
		set_object_action(r, add_rule(r, f, from, text), p);
	} else if (str_is_nocase(name, "ruleset")) {
		f->ruleset = rsyslog_param(p, "name");
	} else if (str_is_nocase(name, "module")) {
		read_module(r, p);
		add_row(r, "module", from, text);
	} else if (str_is_nocase(name, "input")) {
		add_row(r, "input", from, text);
	} else if (str_is_nocase(name, "include")) {
		if (rsyslog_param(p, "file").n)
			include(r, rsyslog_param(p, "file"), from, depth);
		else
			rows_gap(r->rows, "%s:%u: what this includes is no file", from.path, from.line);
	} else if (str_is_nocase(name, "global")) {
		add_row(r, "global", from, text);
		if (driver.p)
			r->default_tls = is_tls_driver(driver);
		if (num_mode(rsyslog_param(p, "umask"), &mode) == 0)
			r->umask = mode;
	}
}

/* "name(...)" at the place. False when there is none. */
static bool read_object(struct reader *r, struct file *f, unsigned depth)
{
	struct rsyslog_text *s = &f->text, try = *s;
	struct from from = FROM(f->path, s->line);
	size_t start = s->i;
	struct str name = rsyslog_name(&try);
	struct rsyslog_params p = {0};

	rsyslog_skip_white(&try);
	if (!name.n || rsyslog_peek(&try, 0) != '(' || str_is_nocase(name, "if"))
		return false;
	try.i++;
	*s = try;
	if (!rsyslog_params(r->rows->arena, s, &p)) {
		rows_gap(r->rows, "%s:%u: a parenthesis is not closed", from.path, from.line);
		return true;
	}
	add_object(r, f, name, &p, rsyslog_since(&f->text, start), from, depth);
	return true;
}

static void open_block(struct reader *r, struct file *f)
{
	f->text.i++;
	if (f->n_blocks == MAX_BLOCKS)
		rows_gap(r->rows, "%s:%u: blocks are nested too deep", f->path, f->text.line);
	else
		f->blocks[f->n_blocks++] = (struct block){f->selector, f->ruleset};
	f->ruleset = STR_ABSENT;
}

/* What is done with the messages of the selector: an object, a block, or the rest of the line. */
static void read_action(struct reader *r, struct file *f, struct from from, size_t start,
						unsigned depth)
{
	struct rsyslog_text *s = &f->text;
	struct str action;
	struct row *row;

	while (!rsyslog_at_end(s) && (rsyslog_peek(s, 0) == ' ' || rsyslog_peek(s, 0) == '\t'))
		rsyslog_step(s);
	if (rsyslog_peek(s, 0) == '{') {
		open_block(r, f);
		return;
	}
	if (read_object(r, f, depth))
		return;
	action = rsyslog_line(s);
	if (!action.n)
		return;
	if (str_ends(action, "}")) { /* if ... then { stop } on one line */
		action = str_trim((struct str){action.p, action.n - 1});
		s->i = (size_t)(action.p + action.n - s->text.p);
	}
	row = add_rule(r, f, from, rsyslog_since(s, start));
	set_legacy_action(r, row, rsyslog_squeeze(r->rows->arena, action));
	note_discard(r, f, row);
}

/* Statements that neither take in nor send anything. */
static bool is_passed_over(struct str word)
{
	return str_is_one_of_nocase(word, NAMES("set", "unset", "reset", "call", "call_indirect",
											"continue", "foreach", "reload_lookup_table"));
}

/* Of messages that no condition has chosen. */
static void note_call(struct reader *r, const struct file *f, struct rsyslog_text s)
{
	struct str name;

	rsyslog_skip_white(&s);
	name = rsyslog_name(&s);
	if (name.n && !current_selector(f).p && !condition_around(f).p && !ruleset_around(r, f).p)
		map_put(&r->called, name, r);
}

/* "else if" says itself what it is for. */
static void read_else(struct reader *r, struct file *f, unsigned depth)
{
	struct from from = FROM(f->path, f->text.line);
	struct rsyslog_text next;

	rsyslog_skip_white(&f->text);
	next = f->text;
	if (str_is_nocase(rsyslog_name(&next), "if"))
		return;
	f->selector = STR("else");
	read_action(r, f, from, f->text.i, depth);
}

static void read_word_statement(struct reader *r, struct file *f, unsigned depth)
{
	struct rsyslog_text *s = &f->text, try = *s;
	struct from from = FROM(f->path, s->line);
	size_t start = s->i;
	struct str word = rsyslog_name(&try);

	if (str_is_nocase(word, "if")) {
		*s = try;
		f->selector = rsyslog_squeeze(r->rows->arena, rsyslog_condition(s));
		f->decided = f->selector;
		rsyslog_skip_white(s);
		read_action(r, f, from, start, depth);
	} else if (str_is_nocase(word, "else")) {
		*s = try;
		read_else(r, f, depth);
	} else if (is_passed_over(word)) {
		if (str_is_nocase(word, "call"))
			note_call(r, f, try);
		while (!rsyslog_at_end(s) && rsyslog_peek(s, 0) != ';' && rsyslog_peek(s, 0) != '\n' &&
			   rsyslog_peek(s, 0) != '{')
			rsyslog_step(s);
	} else if (str_is_nocase(word, "stop") || read_object(r, f, depth)) {
		if (s->i != start)
			return;
		f->selector = current_selector(f);
		read_action(r, f, from, start, depth);
	} else {
		f->selector = rsyslog_selector(r->rows->arena, s);
		if (!str_has_char(f->selector, '.'))
			rows_gap(r->rows, "%s:%u: not understood: %.*s", f->path, s->line,
					 STR_ARG(f->selector));
		read_action(r, f, from, start, depth);
	}
}

/* An action with no filter before it, as blocks hold them: a file, a host, ":omusrmsg:". */
static bool is_bare_action(const struct file *f)
{
	const struct rsyslog_text *s = &f->text;
	char c = rsyslog_peek(s, 0);

	if (c == '-' || c == ':')
		return c == '-' ? rsyslog_peek(s, 1) == '/'
						: rsyslog_peek(s, 1) == 'o' && rsyslog_peek(s, 2) == 'm';
	return c && strchr("/@|^~?*", c) && !(c == '*' && rsyslog_peek(s, 1) == '.');
}

static void read_statement(struct reader *r, struct file *f, unsigned depth)
{
	struct rsyslog_text *s = &f->text;
	struct from from = FROM(f->path, s->line);
	size_t start = s->i;

	if (is_bare_action(f)) {
		read_action(r, f, from, start, depth);
		return;
	}
	switch (rsyslog_peek(s, 0)) {
	case '$':
		read_directive(r, rsyslog_squeeze(r->rows->arena, rsyslog_line(s)), from, depth);
		break;
	case '{':
		open_block(r, f);
		break;
	case '}':
		f->n_blocks -= f->n_blocks > 0;
		f->decided = f->blocks[f->n_blocks].selector;
		f->selector = current_selector(f);
		s->i++;
		break;
	case ';':
	case ')':
		s->i++;
		break;
	case '&':
		s->i++;
		read_action(r, f, from, start, depth);
		break;
	case ':':
		f->selector = rsyslog_property_filter(s);
		read_action(r, f, from, start, depth);
		break;
	case '!':
	case '+':
	case '-':
		rsyslog_skip_line(s); /* blocks of BSD's syslogd; rsyslog 7 and later refuse them */
		break;
	default:
		read_word_statement(r, f, depth);
	}
	if (s->i == start)
		s->i++; /* a byte that begins nothing */
}

static void read_file(struct reader *r, const char *path, unsigned depth)
{
	struct file f = {.path = path, .text.line = 1};
	struct rsyslog_text *s = &f.text;
	struct err err = {0};
	int result = host_read(r->host, path, r->rows->arena, &s->text, &err);

	if (result == -ENOENT)
		return;
	r->bytes += result == 0 ? s->text.n : 0;
	if (result < 0 || r->bytes > MAX_BYTES || ++r->files > MAX_FILES) {
		rows_gap(r->rows, "%s", result < 0 ? err.msg : "rsyslog's files are too large or too many");
		return;
	}
	for (rsyslog_skip_white(s); !rsyslog_at_end(s); rsyslog_skip_white(s)) {
		/* A statement that no filter stands before is for what its block is for. */
		if (rsyslog_peek(s, 0) != '&')
			f.selector = current_selector(&f);
		read_statement(r, &f, depth);
	}
}

static int read_rsyslog(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host,
					   .rows = rows,
					   .legacy_mode = DEFAULT_MODE,
					   .module_mode = DEFAULT_MODE,
					   .umask = DEFAULT_UMASK};

	map_init(&r.called, rows->arena);
	map_put(&r.called, STR(DEFAULT_RULESET), &r);
	read_file(&r, "/etc/rsyslog.conf", 0);
	vec_each(&r.inside, inside) if (!map_get(&r.called, inside->ruleset))
		row_str(inside->row, WITHIN, inside->ruleset);
	for (size_t i = 0; i < rows->n; i++)
		if (rows->p[i]->cells[CREATE_MODE].state == VALUE_SET)
			rows->p[i]->cells[CREATE_MODE].number &= ~(int64_t)r.umask;
	vec_each(&r.by_default, row) row_bool(*row, TLS, r.default_tls);
	return 0;
}

static const struct table rsyslog = {
	.name = "rsyslog",
	.doc = "Inputs, rules and settings of rsyslog, from /etc/rsyslog.conf and what it includes",
	.columns = columns,
	.read = read_rsyslog,
	.loaded = LOADED_BY(.units = STARTED("rsyslog.service"), .at_start = true),
	.started =
		&(const struct started){
			.programs = STARTED("rsyslogd"),
			.checks = STARTED("-N*", "-v"),
			.units = STARTED("rsyslog.service"),
			.usual = STARTED("-n", "-i*", "-x", "-f /etc/rsyslog.conf"),
		},
};
TABLE(rsyslog);
