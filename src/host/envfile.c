/* SPDX-License-Identifier: Apache-2.0 */
#include "host/envfile.h"

#include "base/buf.h"
#include "base/vec.h"
#include "host/secret.h"

void env_put(struct env *env, struct arena *a, struct env_item item)
{
	*vec_push(a, env) = item;
}

const struct env_item *env_find(const struct env *env, struct str name)
{
	for (size_t i = env->n; i > 0; i--)
		if (str_eq(env->p[i - 1].name, name))
			return &env->p[i - 1];
	return NULL;
}

/* The states of systemd's parse_env_file_internal(). */
enum state {
	BEFORE_NAME,
	NAME,
	BEFORE_VALUE,
	VALUE,
	ESCAPED,
	SINGLE,
	DOUBLE,
	DOUBLE_ESCAPED,
	COMMENT,
	COMMENT_ESCAPED,
	AMBIGUOUS,
};

struct parser {
	struct arena *arena;
	struct env *env;
	const char *path;
	struct buf name, value;
	size_t blanks; /* at the end of the value, which are no part of it */
	unsigned line, at;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void end_value(struct parser *p)
{
	struct str name = str_trim(buf_get(&p->name));
	struct str value = {p->value.p, p->value.n - p->blanks};

	if (name.n)
		env_put(p->env, p->arena,
				(struct env_item){(struct str){str_dup(p->arena, name), name.n},
								  (struct str){value.n ? str_dup(p->arena, value) : "", value.n},
								  p->path, p->at});
	buf_clear(&p->name);
	buf_clear(&p->value);
	p->blanks = 0;
}

static enum state put(struct parser *p, char c, enum state next)
{
	buf_putc(&p->value, c);
	p->blanks = next == VALUE && is_blank(c) ? p->blanks + 1 : 0;
	return next;
}

/* What a backslash is in front of, unless it continues the line. */
static enum state in_escape(struct parser *p, char c)
{
	if (c != '\n')
		put(p, c, ESCAPED);
	return VALUE;
}

static enum state end_line(struct parser *p)
{
	end_value(p);
	return BEFORE_NAME;
}

static enum state in_name(struct parser *p, enum state state, char c)
{
	if (state == BEFORE_NAME && (c == '#' || c == ';'))
		return COMMENT;
	if (c == '\n') {
		buf_clear(&p->name);
		return BEFORE_NAME;
	}
	if (state == BEFORE_NAME && is_blank(c))
		return state;
	if (state == NAME && c == '=') {
		p->at = p->line;
		return BEFORE_VALUE;
	}
	buf_putc(&p->name, c);
	return NAME;
}

static enum state in_value(struct parser *p, enum state state, char c)
{
	if (c == '\n')
		return end_line(p);
	if (c == '\\') {
		p->blanks = 0;
		return ESCAPED;
	}
	if (state == VALUE)
		return put(p, c, VALUE);
	if (c == '\'')
		return SINGLE;
	if (c == '"')
		return DOUBLE;
	return is_blank(c) ? state : put(p, c, VALUE);
}

static enum state in_double_escape(struct parser *p, char c)
{
	if (!strchr("\"\\`$\n", c) || !c)
		put(p, '\\', DOUBLE);
	return c == '\n' ? DOUBLE : put(p, c, DOUBLE);
}

static enum state step(struct parser *p, enum state state, char c)
{
	switch (state) {
	case BEFORE_NAME:
	case NAME:
		return in_name(p, state, c);
	case BEFORE_VALUE:
	case VALUE:
		return in_value(p, state, c);
	case ESCAPED:
		return in_escape(p, c);
	case SINGLE:
		return c == '\'' ? BEFORE_VALUE : put(p, c, SINGLE);
	case DOUBLE:
		return c == '"' ? BEFORE_VALUE : c == '\\' ? DOUBLE_ESCAPED : put(p, c, DOUBLE);
	case DOUBLE_ESCAPED:
		return in_double_escape(p, c);
	case COMMENT:
		return c == '\n' ? BEFORE_NAME : c == '\\' ? COMMENT_ESCAPED : COMMENT;
	case COMMENT_ESCAPED:
		/* From release 254 on such a comment ends with its line. */
		return c == '\n' ? AMBIGUOUS : COMMENT;
	default:
		return AMBIGUOUS;
	}
}

int envfile_read(struct host *host, struct arena *a, const char *path, struct env *env,
				 struct err *err)
{
	struct parser p = {.arena = a, .env = env, .path = path, .line = 1};
	enum state state = BEFORE_NAME;
	struct str text;
	int r = host_read_scrubbed(host, path, secret_mask, a, &text, err);

	if (r < 0)
		return r;
	p.name = BUF(HOST_MAX_FILE);
	p.value = BUF(HOST_MAX_FILE);
	for (size_t i = 0; i < text.n && state != AMBIGUOUS; i++) {
		state = step(&p, state, text.p[i]);
		p.line += text.p[i] == '\n';
	}
	if (state >= BEFORE_VALUE && state <= DOUBLE_ESCAPED)
		end_value(&p);
	buf_done(&p.name);
	buf_done(&p.value);
	if (state == AMBIGUOUS)
		return err_set(err, EINVAL, "%s:%u: a comment that ends in a backslash", path, p.line - 1);
	return 0;
}
