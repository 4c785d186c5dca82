/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/audit/auditd.conf: the audit daemon. */
#include "base/map.h"
#include "host/conf.h"
#include "host/edit.h"
#include "host/table.h"

#define CONFIG "/etc/audit/auditd.conf"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in auditd.conf(5), in lower case",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value; words that auditd compares without regard to case are in lower case",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

static const char *const keys[] = {
	"action_mail_acct",
	"admin_space_left",
	"admin_space_left_action",
	"disk_error_action",
	"disk_full_action",
	"dispatcher",
	"disp_qos",
	"distribute_network",
	"enable_krb5",
	"end_of_event_timeout",
	"flush",
	"freq",
	"krb5_key_file",
	"krb5_principal",
	"local_events",
	"log_file",
	"log_format",
	"log_group",
	"max_log_file",
	"max_log_file_action",
	"max_restarts",
	"name",
	"name_format",
	"num_logs",
	"overflow_action",
	"plugin_dir",
	"priority_boost",
	"q_depth",
	"report_interval",
	"space_left",
	"space_left_action",
	"tcp_client_max_idle",
	"tcp_client_ports",
	"tcp_listen_port",
	"tcp_listen_queue",
	"tcp_max_per_addr",
	"transport",
	"use_libwrap",
	"verify_email",
	"write_logs",
	NULL,
};

/* Settings whose values are names or paths, which have a case. `exec /path` is one too. */
static const char *const cased[] = {
	"action_mail_acct",
	"dispatcher",
	"krb5_key_file",
	"krb5_principal",
	"log_file",
	"log_group",
	"name",
	"plugin_dir",
	NULL,
};

static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct str key = str_lower(rows->arena, item->key),
			   value = item->value.p ? item->value : STR("");
	struct row *row = rows_setting(rows, seen, key, FROM(item->file, item->line));

	row_str(row, KEY, key);
	row_str(row, VALUE,
			str_is_one_of(key, cased) || str_has_char(value, '/') ? value
																  : str_lower(rows->arena, value));
}

static int read_auditd(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = conf_read(host, rows->arena, CONFIG, CONF_EQUALS, &conf, err);

	if (r == -ENOENT) /* not installed */
		return 0;
	if (r < 0)
		return r;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < conf.n; i++)
		add_item(rows, &seen, &conf.items[i]);
	return 0;
}

static bool is_auditd_key(struct str key)
{
	return str_is_one_of(key, keys);
}

static int set_auditd(struct host *host, const struct wish *wish, struct edits *edits, struct err *err)
{
	struct str value = edit_text(edits, wish, ",");
	struct str ignored;
	int r = host_read(host, CONFIG, edits->arena, &ignored, err);

	if (r < 0)
		return r;
	if (!value.p)
		return err_set(err, ENOTSUP, "%.*s is taken out by hand", STR_ARG(wish->key));
	edit_key(edits, CONFIG, EDIT_EQUALS, NULL, wish->key, value);
	edit_reload(edits, "auditd.service");
	return 0;
}

static const struct table auditd = {
	.name = "auditd",
	.doc = "Settings of the audit daemon, from /etc/audit/auditd.conf",
	.columns = columns,
	.read = read_auditd,
	.started =
		&(const struct started){
			.programs = STARTED("auditd"),
			.units = STARTED("auditd.service"),
			.usual = STARTED("-n", "-s *", "-c /etc/audit", "-c /etc/audit/"),
		},
	.is_key = is_auditd_key,
	.set = set_auditd,
	.fix = "set {key} in /etc/audit/auditd.conf and reload auditd",
};
TABLE(auditd);
