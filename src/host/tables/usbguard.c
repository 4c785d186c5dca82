/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of USBGuard's daemon: usbguard-daemon.conf(5). */
#include "base/map.h"
#include "host/conf.h"
#include "host/table.h"

#define CONF "/etc/usbguard/usbguard-daemon.conf"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting; rules: how many its policy has",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value; of several lines the last", COLUMN_VALUE},
	{0},
};

struct policy {
	struct host *host;
	struct rows *rows;
	unsigned n;
	const char *why; /* it is not known how many */
};

static void count_rules(struct policy *p, const char *file)
{
	struct str text = STR_ABSENT, line;
	struct err err = {0};
	int r = host_read(p->host, file, p->rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT)
		p->why = arena_strdup(p->rows->arena, err.msg);
	while (str_line(&text, &line)) {
		line = str_trim(line);
		p->n += line.n && line.p[0] != '#';
	}
}

/* The policy that was made of the devices that were there, and what was added in files of its folder. */
static void add_rules(struct host *host, struct rows *rows, const struct conf *conf)
{
	const struct conf_item *file = conf_last(conf, NULL, "RuleFile");
	const struct conf_item *folder = conf_last(conf, NULL, "RuleFolder");
	struct policy policy = {.host = host, .rows = rows};
	struct row *row = rows_add(rows, FROM(file ? file->file : CONF, file ? file->line : 0));
	struct str *paths;
	struct err err = {0};
	size_t n;

	if (file && str_starts(file->value, "/"))
		count_rules(&policy, str_dup(rows->arena, file->value));
	if (folder && str_starts(folder->value, "/")) {
		if (host_list_files(host, str_dup(rows->arena, folder->value), ".conf", rows->arena, &paths,
							&n, &err) < 0)
			policy.why = arena_strdup(rows->arena, err.msg);
		else
			for (size_t i = 0; i < n; i++)
				count_rules(&policy, str_dup(rows->arena, paths[i]));
	}
	row_strz(row, KEY, "rules");
	row_strz(row, VALUE, arena_printf(rows->arena, "%u", policy.n));
	if (policy.why)
		row_unknown(row, VALUE, policy.why);
}

static int read_usbguard(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = conf_read(host, rows->arena, CONF, CONF_EQUALS, &conf, err);

	if (r == -ENOENT)
		return 0;
	map_init(&seen, rows->arena);
	for (size_t i = 0; r == 0 && i < conf.n; i++) {
		const struct conf_item *item = &conf.items[i];
		struct row *row = rows_setting(rows, &seen, item->key, FROM(CONF, item->line));

		row_str(row, KEY, item->key);
		row_str(row, VALUE, item->value);
	}
	if (r == 0)
		add_rules(host, rows, &conf);
	return r;
}

static const struct table usbguard = {
	.name = "usbguard",
	.doc = "Settings of USBGuard, and how many rules its policy has",
	.columns = columns,
	.read = read_usbguard,
	.started =
		&(const struct started){
			.programs = STARTED("usbguard-daemon"),
			.units = STARTED("usbguard.service"),
			.usual = STARTED("-f", "-s", "-k", "-K", "-P", "-c /etc/usbguard/usbguard-daemon.conf"),
		},
};
TABLE(usbguard);
