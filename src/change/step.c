/* SPDX-License-Identifier: Apache-2.0 */
#include "change/step.h"

#include <sys/prctl.h>

#include "change/process.h"
#include "change/session.h"

#define OUTPUT_MAX ((size_t)4 << 20)
/* What is shown of it when it fails. */
#define SAID_MAX 400
#define SAID_LINE 200
#define SHOWN_MAX 40 /* bytes of a value that an error names */

const struct step_type *step_type_find(struct str name)
{
	for (const struct step_type *const *t = LEAF_BEGIN(step_types); t < LEAF_END(step_types); t++)
		if (str_is(name, (*t)->name))
			return *t;
	return NULL;
}

bool step_has_rule(const struct step *s, const char *rule)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (strcmp(s->rules[i], rule) == 0)
			return true;
	return false;
}

static void put_value(struct buf *out, struct str value)
{
	if (value.p)
		buf_printable(out, value);
	else
		buf_puts(out, "(none)");
}

/* What is short is shown. */
static int moved(const struct step *s, const char *field, const struct state *expected,
				 const struct state *now, struct err *err)
{
	_cleanup_buf_ struct buf values = BUF(256);
	struct str was = state_get(expected, field), is = state_get(now, field);

	if (was.n <= SHOWN_MAX && is.n <= SHOWN_MAX) {
		buf_puts(&values, ": ");
		put_value(&values, was);
		buf_puts(&values, " then, ");
		put_value(&values, is);
		buf_puts(&values, " now");
	}
	return err_set(err, ESTALE, "%s %s: %s is not what it was%.*s", s->type->name, s->target, field,
				   STR_ARG(buf_get(&values)));
}

int step_check(const struct place *place, const struct step *s, const struct state *expected,
			   struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state now = {0}, canonical = {0};
	const char *field;
	int r = s->type->capture(place, s->target, &a, &now, err);

	if (r < 0)
		return r;
	if (state_covers(&now, expected, &field))
		return 0;
	if (s->type->canonical) {
		r = s->type->canonical(place, s->target, expected, &a, &canonical, err);
		if (r < 0)
			return r;
		if (state_covers(&now, &canonical, &field))
			return 0;
	}
	return moved(s, field, expected, &now, err);
}

void step_describe_fields(struct buf *out, const struct step *s)
{
	for (size_t i = 0; i < s->after.n; i++) {
		const struct field *f = &s->after.p[i];
		struct str before = state_get(&s->before, f->name);

		if (!before.p == !f->value.p && (!before.p || str_eq(before, f->value)))
			continue;
		buf_printf(out, "  %s: ", f->name);
		put_value(out, before);
		buf_puts(out, " -> ");
		put_value(out, f->value);
		buf_putc(out, '\n');
	}
}

void step_shell_word(struct buf *out, struct str s)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, s.p[i]);
	buf_putc(out, '\'');
}

/* A group of its own: what is typed at the terminal (Ctrl-C, Ctrl-Z) stops nothing half way. */
static int enter_root(void *data)
{
	const struct place *place = data;

	(void)setpgid(0, 0);
	return place->live ? 0 : fchdir(place->root_fd) < 0 || chroot(".") < 0;
}

/* What a program said, in one line: some begin with an empty one, or say at the end what is wrong. */
static void add_lines(struct buf *out, struct str text)
{
	struct str line;

	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (line.n)
			buf_printf(out, "%s%.*s", buf_get(out).n ? "; " : "", (int)MIN(line.n, (size_t)SAID_LINE),
					   line.p);
	}
}

/* One that is killed, because its time is over or by somebody else, leaves behind what it has started, in
 * a group or a session of its own: apt leaves dpkg, that the script of a package, which hangs and holds
 * the lock. Nothing could be undone then. What is left behind comes to this process, and is ended. */
int step_ask(const struct place *place, const char *const argv[], int timeout_ms, struct arena *a,
			 struct exec_result *ret, struct err *err)
{
	int64_t since = session_now();
	bool takes = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
	struct place copy = *place;
	/* An fd for the root that is not O_PATH may be needed by chroot; fchdir() takes either. */
	struct exec e = exec_start(argv, enter_root, &copy);
	int r = exec_finish(&e, OUTPUT_MAX, timeout_ms, a, ret, err);

	if (takes && (r < 0 || ret->status > 128))
		process_end_children(since);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	return r < 0 ? err_context(err, "%s", argv[0]) : 0;
}

int step_run(const struct place *place, const char *const argv[], int timeout_ms, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result = {0};
	_cleanup_buf_ struct buf said = BUF(SAID_MAX);
	int r = step_ask(place, argv, timeout_ms, &a, &result, err);

	if (r < 0 || !result.status)
		return r;
	add_lines(&said, result.err);
	add_lines(&said, result.out); /* findmnt --verify gives the sum to stderr, the reasons to stdout */
	return err_set(err, EIO, "%s: exit %d: %.*s", argv[0], result.status, STR_ARG(buf_get(&said)));
}

bool step_is_booting(const struct place *place)
{
	const char *const argv[] = {"/usr/bin/systemctl", "is-active", "--quiet", "basic.target", NULL};
	struct path_stat st;
	struct err ignored;

	return place->live && path_stat(place->root_fd, "/run/systemd/system", true, &st) == 0 &&
		   step_run(place, argv, 20000, &ignored) < 0;
}
