/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pam_settings.h"

#include "base/map.h"
#include "host/conf.h"

/* --- the settings that one line of a stack has ----------------------------------------------- */

struct setting {
	struct str key, value;
	const char *file, *note;
	unsigned line;
	struct setting *next;
};

/* The settings as one line of a stack has them. */
struct settings {
	struct arena *arena;
	struct map by_key;
	struct setting *first, **end;
};

static struct setting *add(struct settings *s, struct str key)
{
	struct setting *setting = arena_new(s->arena, struct setting, 1);

	map_put(&s->by_key, key, setting);
	*s->end = setting;
	s->end = &setting->next;
	return setting;
}

static void set(struct settings *s, const struct pam_module *m, const struct setting *from,
				bool replace)
{
	struct setting *setting = map_get(&s->by_key, from->key), *next;

	if ((m->only && !str_is(from->key, m->only)) || (setting && !replace))
		return;
	if (!setting)
		setting = add(s, from->key);
	next = setting->next;
	*setting = *from;
	setting->next = next;
	if (str_is_one_of(setting->key, m->flags) || !setting->value.p)
		setting->value = STR("true");
}

static void set_from_conf(struct settings *s, const struct pam_module *m, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct conf_item *item = &conf->items[i];
		struct str rest = item->value, value = STR_ABSENT;

		str_cut(&rest, '#', &value); /* a comment begins anywhere */
		set(s, m, &(struct setting){item->key, str_trim(value), item->file, NULL, item->line, NULL},
			!m->first_wins);
	}
}

static void set_from_arguments(struct settings *s, const struct pam_module *m,
							   const struct pam_line *line)
{
	for (size_t i = 0; i < line->n_args; i++) {
		struct str value = line->args[i], key = STR_ABSENT;

		str_cut(&value, '=', &key);
		if (!str_is_one_of(key, m->not_settings) && !str_is(key, "conf"))
			set(s, m, &(struct setting){key, value, line->file, NULL, line->line, NULL}, true);
	}
}

static void set_defaults(struct settings *s, const struct pam_module *m, const char *file)
{
	const char *note = arena_printf(s->arena, "default of %s", m->name);

	for (size_t i = 0; m->defaults && m->defaults[i][0]; i++)
		set(s, m,
			&(struct setting){str_of(m->defaults[i][0]), str_of(m->defaults[i][1]), file, note, 0,
							  NULL},
			false);
}

/* --- their files --------------------------------------------------------------------------- */

/* What is known while the rows of one module are made. */
struct job {
	struct host *host;
	struct rows *rows;
	const struct pam_module *module;
	struct map confs; /* path -> struct conf */
	struct map seen;  /* lines of stacks that were looked at, and rows that were added */
};

static bool is_new(struct job *job, const char *id)
{
	return !map_put(&job->seen, str_of(id), job);
}

static void note_gap(struct job *job, struct conf *conf, const struct err *err)
{
	rows_gap(job->rows, "%s", err->msg);
	conf->gap = job->rows->gap;
}

/* 0, -ENOENT, or an error that was noted as a gap. */
static int read_conf_file(struct job *job, const char *path, struct conf *conf)
{
	struct err err = {0};
	int r = conf_read(job->host, job->rows->arena, path, CONF_EQUALS, conf, &err);

	if (r < 0 && r != -ENOENT)
		note_gap(job, conf, &err);
	return r;
}

/* libpwquality reads the drop-ins first, so that the main file wins. */
static void read_dropins(struct job *job, const char *path, struct conf *conf)
{
	struct arena *arena = job->rows->arena;
	struct err err = {0};
	struct str *files;
	size_t n;
	int r = host_list_all_files(job->host, arena_printf(arena, "%s.d", path), ".conf", arena,
								&files, &n, &err);

	if (r < 0)
		note_gap(job, conf, &err);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_conf_file(job, str_dup(arena, files[i]), conf);
}

/* The module's file, or the one that an argument conf= names; NULL when there is none. */
static const struct conf *get_conf(struct job *job, const char *path)
{
	struct arena *arena = job->rows->arena;
	const char *name = job->module->conf;
	struct conf *conf;

	if (job->module->arguments_only)
		return NULL;
	if (!path)
		path = arena_printf(arena, "/etc/security/%s", name);
	conf = map_get(&job->confs, str_of(path));
	if (!conf) {
		conf = arena_new(arena, struct conf, 1);
		map_put(&job->confs, str_of(path), conf);
		if (job->module->dropins)
			read_dropins(job, path, conf);
		if (read_conf_file(job, path, conf) == -ENOENT && str_has(str_of(path), "/etc/security/"))
			read_conf_file(job, arena_printf(arena, "/usr/etc/security/%s", name), conf);
	}
	return conf;
}

static const char *conf_argument(struct arena *arena, const struct pam_line *line)
{
	const char *path = NULL;

	for (size_t i = 0; i < line->n_args; i++) {
		struct str arg = line->args[i];

		if (str_skip(&arg, "conf=") && str_starts(arg, "/"))
			path = str_dup(arena, arg);
	}
	return path;
}

static void add_rows(struct job *job, const struct settings *s, const char *note)
{
	struct arena *arena = job->rows->arena;

	for (const struct setting *x = s->first; x; x = x->next) {
		struct row *row;

		if (!is_new(job, arena_printf(arena, "%s=%s %s:%u", str_dup(arena, x->key),
									  str_dup(arena, x->value), x->file, x->line)))
			continue;
		row = rows_add(job->rows, FROM(x->file, x->line));
		row_str(row, 0, x->key);
		row_str(row, 1, x->value);
		row->note = x->note ? x->note : note;
	}
}

static void settings_init(struct settings *s, struct arena *arena)
{
	*s = (struct settings){.arena = arena};
	s->end = &s->first;
	map_init(&s->by_key, arena);
}

static void add_line_settings(struct job *job, const struct pam_line *line)
{
	struct arena *arena = job->rows->arena;
	const struct conf *conf = get_conf(job, conf_argument(arena, line));
	struct settings s;

	settings_init(&s, arena);
	if (conf)
		set_from_conf(&s, job->module, conf);
	set_from_arguments(&s, job->module, line);
	if (!conf || !conf->gap)
		set_defaults(&s, job->module, line->file);
	add_rows(job, &s, NULL);
}

/* The file alone, which a stack may be about to use. */
static void add_unused_settings(struct job *job)
{
	const struct conf *conf = get_conf(job, NULL);
	struct settings s;

	settings_init(&s, job->rows->arena);
	if (!conf || !conf->n)
		return;
	set_from_conf(&s, job->module, conf);
	if (!conf->gap)
		set_defaults(&s, job->module, conf->items[0].file);
	add_rows(job, &s, arena_printf(s.arena, "no PAM stack has %s", job->module->name));
}

void pam_settings(struct host *host, struct rows *rows, const struct pam_stack *stack,
				  const struct pam_module *module)
{
	struct job job = {.host = host, .rows = rows, .module = module};
	bool used = false;

	map_init(&job.confs, rows->arena);
	map_init(&job.seen, rows->arena);
	for (size_t i = 0; i < stack->n; i++) {
		const struct pam_line *line = &stack->lines[i];

		if (!str_is(line->module, module->name) || !str_is(line->type, module->type))
			continue;
		used = true;
		if (is_new(&job, arena_printf(rows->arena, "%s:%u", line->file, line->line)))
			add_line_settings(&job, line);
	}
	if (!used)
		add_unused_settings(&job);
	if (stack->gap)
		rows_gap(rows, "%s", stack->gap);
}

int pam_settings_set(const struct pam_module *m, const struct wish *wish, struct edits *edits,
					 struct err *err)
{
	const char *path = arena_printf(edits->arena, "/etc/security/%s", m->conf ? m->conf : "");
	const char *from = wish->row ? wish->row->from.path : NULL;
	struct str value = edit_text(edits, wish, " ");

	if (m->arguments_only)
		return err_set(err, ENOTSUP, "%s takes it as an argument only: edit the stack", m->name);
	/* Of a default the stack tells only who has it. */
	if (from && wish->row->from.line && str_starts(str_of(from), "/etc/pam.d/"))
		return err_set(err, ENOTSUP, "the argument in %s:%u decides: edit it there", from,
					   wish->row->from.line);
	for (size_t i = 0; m->flags && m->flags[i]; i++)
		if (str_is(wish->key, m->flags[i])) {
			edit_key(edits, path, EDIT_LINES, NULL, wish->key,
					 str_is(value, "true") ? value : STR_ABSENT);
			return 0;
		}
	edit_key(edits, path, EDIT_EQUALS, NULL, wish->key, value);
	return 0;
}
