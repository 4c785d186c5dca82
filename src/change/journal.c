/* SPDX-License-Identifier: Apache-2.0 */
#include "change/journal.h"

#include <stdio.h>

#include "base/num.h"

#define JOURNAL_MAX ((size_t)64 << 20)

static const char *const statuses[] = {"running", "waiting", "committed", "reverting", "reverted"};

const char *change_status_name(enum change_status s)
{
	return statuses[s];
}

static int append(struct change *c, const char *line, struct err *err)
{
	size_t n = strlen(line);

	if (c->journal_fd < 0)
		return err_errno(err, EROFS, "%s/journal", c->path);
	/* What a crash has cut short must not take the next line with it. */
	if (c->torn && write(c->journal_fd, "\n", 1) != 1)
		return err_errno(err, errno, "%s/journal", c->path);
	c->torn = false;
	errno = ENOSPC; /* of a write that was cut short */
	if (write(c->journal_fd, line, n) != (ssize_t)n) {
		c->torn = true;
		return err_errno(err, errno, "%s/journal", c->path);
	}
	return 0;
}

int journal_write(struct change *c, const char *line, struct err *err)
{
	int r = append(c, line, err);

	return r == 0 && fdatasync(c->journal_fd) < 0 ? err_errno(err, errno, "%s/journal", c->path)
												  : r;
}

int journal_mark(struct change *c, size_t step, enum mark mark, struct err *err)
{
	static const char *const words[] = {[MARK_PREPARED] = "prepared",
										[MARK_APPLIED] = "applied",
										[MARK_UNDOING] = "undoing",
										[MARK_REVERTED] = "reverted"};
	char line[64];

	snprintf(line, sizeof(line), "step %zu %s\n", step, words[mark]);
	c->marks[step] = mark;
	return mark == MARK_APPLIED || mark == MARK_REVERTED ? append(c, line, err)
														 : journal_write(c, line, err);
}

int journal_status(struct change *c, enum change_status status, struct err *err)
{
	char line[64];

	snprintf(line, sizeof(line), "status %s\n", statuses[status]);
	c->status = status;
	return journal_write(c, line, err);
}

/* A line that was cut short by a crash says nothing: what it stands for had not been begun. */
static void read_line(struct change *c, struct str line)
{
	struct str word = STR_ABSENT, what = STR_ABSENT;
	uint64_t step;

	(void)str_word(&line, &word);
	(void)str_word(&line, &what);
	if (str_is(word, "status"))
		for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
			c->status = str_is(what, statuses[i]) ? (enum change_status)i : c->status;
	if (str_is(word, "deadline"))
		(void)num_i64(what, 0, INT64_MAX, &c->deadline);
	if (str_is(word, "applied"))
		(void)num_i64(what, 0, INT64_MAX, &c->applied);
	if (str_is(word, "session"))
		c->session = what;
	if (str_is(word, "activated"))
		c->activated = true;
	if (!str_is(word, "step") || !c->plan.steps.n ||
		num_u64(what, 0, c->plan.steps.n - 1, &step) < 0 || !str_word(&line, &word))
		return;
	c->marks[step] = str_is(word, "prepared")   ? MARK_PREPARED
					 : str_is(word, "applied")  ? MARK_APPLIED
					 : str_is(word, "undoing")  ? MARK_UNDOING
					 : str_is(word, "reverted") ? MARK_REVERTED
												: c->marks[step];
}

void journal_parse(struct change *c, struct str text)
{
	struct str line;

	c->marks = arena_new(c->arena, enum mark, c->plan.steps.n + 1);
	while (text.n && memchr(text.p, '\n', text.n) && str_line(&text, &line))
		read_line(c, line);
	c->torn = text.n > 0;
}

int journal_read(struct change *c, struct err *err)
{
	struct str text;
	int r = path_read(c->dir_fd, "journal", JOURNAL_MAX, c->arena, &text);

	if (r < 0)
		return err_errno(err, -r, "%s/journal", c->path);
	journal_parse(c, text);
	return 0;
}

bool journal_has_ended(const struct changes *c, unsigned number)
{
	_cleanup_arena_ struct arena a = {0};
	const char *path = arena_printf(&a, CHANGE_STATE_DIR "/changes/%04u/journal", number);
	struct str text, line, last = STR("");

	if (path_read(c->place.root_fd, path, JOURNAL_MAX, &a, &text) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_starts(line, "status "))
			last = line;
	return str_is(last, "status committed") || str_is(last, "status reverted");
}
