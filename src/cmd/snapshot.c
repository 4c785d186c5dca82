/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"

enum { OUTPUT, ROOT };

static const struct option_doc options[] = {
	[OUTPUT] = {"output", 'o', "FILE", "write there instead of to standard output"},
	[ROOT] = {"root", 0, "DIR", "read the tree, or the recording, in DIR"},
	{0},
};

static int write_snapshot(struct worker *w, void *data)
{
	_cleanup_buf_ struct buf out = BUF((size_t)256 << 20);

	if (snapshot_write(w->snapshot, &out) < 0)
		return fail(EXIT_CANNOT, "the snapshot is larger than 256 MiB");
	return output_write(data, buf_get(&out));
}

static int run_snapshot(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	const char *path = given_value(g, OUTPUT);
	struct output output = {.fd = -1};
	struct worker w = {
		.source = {.root = given_value(g, ROOT)},
		.snapshot = snapshot,
		.use = write_snapshot,
		.data = &output,
	};
	struct catalogue catalogue;
	int code = open_catalogue(&catalogue, NULL, g, NULL);

	for (size_t i = 0; code == 0 && i < catalogue.n; i++)
		judge_wants(&catalogue.p[i], &catalogue.language.params, snapshot);
	catalogue_done(&catalogue);
	snapshot_want_everything(snapshot);
	if (code == 0 && path && output_open(&output, path))
		code = EXIT_CANNOT;
	if (code == 0)
		code = worker_run(&w);
	return output_end(&output, code);
}

static const struct command snapshot_command = {
	"snapshot", "", "write all tables as JSON, to be judged later or elsewhere", options, 0, 0,
	run_snapshot};
COMMAND(snapshot_command);
