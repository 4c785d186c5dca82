/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_edit.h"

#include "host/apache_server.h"

#define REDHAT_OWN "/etc/httpd/conf.d/zz-revet.conf"

/* One that comes behind the own file, and so has the last word; NULL: none does. */
static const struct directive *comes_later(const struct directive *root, const char *name,
										   const char *own)
{
	struct str directory = {own, (size_t)(strrchr(own, '/') + 1 - own)};
	bool passed = false;

	for (const struct directive *d = root->first; d; d = d->next) {
		bool beside = strncmp(d->file, directory.p, directory.n) == 0;

		passed |= beside;
		if (!d->is_block && apache_is(d, name) && (beside ? strcmp(d->file, own) > 0 : passed))
			return d;
		if (d->is_block && apache_is(d, "VirtualHost") && apache_last(d, name))
			return apache_last(d, name);
	}
	return NULL;
}

int apache_edit(struct host *host, struct edits *edits, const char *name, const char *value,
				struct err *err)
{
	const struct directive *later;
	struct apache_config config;
	const char *own;
	bool debian;
	int r = apache_config_read(host, edits->arena, &config, err);

	if (r < 0)
		return r;
	debian = strcmp(config.directory, "/etc/httpd/") != 0;
	own = debian ? APACHE_DEBIAN_OWN : REDHAT_OWN;
	later = comes_later(&config.root, name, own);
	if (later)
		return err_set(err, ENOTSUP, "%s:%u has the last word on %s: change it by hand",
					   later->file, later->line, name);
	edit_key(edits, own, EDIT_LINES, NULL, str_of(arena_printf(edits->arena, "%s %s", name, value)),
			 STR("1"));
	edit_reload(edits, debian ? "apache2.service" : "httpd.service");
	return 0;
}
