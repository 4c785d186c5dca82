/* SPDX-License-Identifier: Apache-2.0 */
/* What Docker's daemon is told, by daemon.json and by options. */
#include "host/docker_conf.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING,
			 "Name of the setting as daemon.json has it; a member of an object: log-opts.max-size",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value as text; of a list, or of an option that is given several times, with "
			   "blanks between",
			   COLUMN_VALUE},
	{0},
};

static int read_docker(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct docker_conf conf;

	docker_conf_read(host, rows->arena, &conf);
	vec_each(&conf.all, s)
	{
		struct row *row = rows_add(rows, s->from);

		row_str(row, KEY, s->key);
		row_str(row, VALUE, s->value);
	}
	if (conf.gap)
		rows_gap(rows, "%s", conf.gap);
	return 0;
}

static const struct table docker = {
	.name = "docker",
	.doc = "Settings of Docker's daemon: /etc/docker/daemon.json, the options that docker.service "
		   "starts it with, and the sockets of docker.socket; absent: the default holds",
	.columns = columns,
	.read = read_docker,
	.loaded = LOADED_BY(.units = STARTED("docker.service"), .files = STARTED("/etc/docker/*")),
	.early = started_early,
};
TABLE(docker);
