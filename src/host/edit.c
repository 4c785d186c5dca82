/* SPDX-License-Identifier: Apache-2.0 */
#include "host/edit.h"

#include "base/vec.h"
#include "host/value.h"

static struct str keep(struct edits *e, struct str s)
{
	return s.p ? (struct str){str_dup(e->arena, s), s.n} : STR_ABSENT;
}

static struct edit *add(struct edits *e, enum edit_kind kind, const char *target)
{
	struct edit *edit = vec_push(e->arena, e);

	edit->kind = kind;
	edit->rule = e->rule;
	edit->mode = e->mode ? e->mode : "0644";
	edit->target = arena_strdup(e->arena, target);
	return edit;
}

struct str edit_text(struct edits *e, const struct wish *wish, const char *separator)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	enum type type = wish->table->columns[wish->column].type;

	if (wish->value.state != VALUE_SET)
		return STR_ABSENT;
	if (type == TYPE_LIST)
		for (size_t i = 0; i < wish->value.list.n; i++)
			buf_printf(&text, "%s%.*s", i ? separator : "", STR_ARG(wish->value.list.items[i]));
	else if (type == TYPE_STRING)
		buf_str(&text, wish->value.string);
	else if (type == TYPE_DURATION && wish->value.number != INT64_MAX)
		buf_printf(&text, "%lld", (long long)wish->value.number);
	else
		value_print(&text, type, &wish->value);
	return text.n ? (struct str){arena_copy(e->arena, text.p, text.n), text.n} : STR("");
}

void edit_key(struct edits *e, const char *path, enum edit_style style, const char *section,
			  struct str key, struct str value)
{
	struct edit *edit = add(e, EDIT_KEY, path);

	edit->style = style;
	edit->section = keep(e, str_of(section));
	edit->name = keep(e, key);
	edit->value = keep(e, value);
}

void edit_content(struct edits *e, const char *path, struct str content)
{
	add(e, EDIT_CONTENT, path)->value = keep(e, content);
}

void edit_attribute(struct edits *e, const char *path, const char *name, struct str value)
{
	struct edit *edit = add(e, EDIT_ATTRIBUTE, path);

	edit->name = keep(e, str_of(name));
	edit->value = keep(e, value);
}

int edit_closed(struct edits *e, const char *path, const struct value *mode, struct err *err)
{
	if (mode->state != VALUE_SET || !(mode->number & 022))
		return err_set(err, ENOTSUP, "%s: not its mode lets others write: see its owner and ACL", path);
	edit_attribute(e, path, "mode",
				   str_of(arena_printf(e->arena, "%04o", (unsigned)(mode->number & ~(int64_t)022))));
	return 0;
}

void edit_line(struct edits *e, const char *path, unsigned line, struct str old, struct str value)
{
	struct edit *edit = add(e, EDIT_LINE, path);

	edit->line = line;
	edit->old = keep(e, old);
	edit->value = keep(e, value);
}

void edit_state(struct edits *e, const char *step, const char *target, const char *field,
				struct str present, struct str value)
{
	struct edit *edit = add(e, EDIT_STATE, target);

	edit->step = step;
	edit->name = keep(e, str_of(field));
	edit->old = keep(e, present);
	edit->value = keep(e, value);
}

void edit_reload(struct edits *e, const char *service)
{
	add(e, EDIT_RELOAD, service);
}
