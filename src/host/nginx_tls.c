/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nginx_tls.h"

#include "base/vec.h"
#include "host/dpkg.h"

/* Which versions are on when nothing says so has changed twice: nginx 1.23.4 and 1.27.3. */
static const char *built_in_protocols(struct web *web)
{
	static const char *const packages[] = {"nginx", "nginx-core", "nginx-light", "nginx-full",
										   "nginx-extras"};
	struct dpkg_db db = {0};
	struct err ignored = {0};

	if (dpkg_read(web->host, web->arena, &db, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		const struct dpkg_package *p = dpkg_installed(&db, packages[i]);

		if (!p)
			continue;
		if (dpkg_version_cmp(p->version, STR("1.27.3")) >= 0)
			return "TLSv1.2 TLSv1.3";
		return dpkg_version_cmp(p->version, STR("1.23.4")) >= 0 ? "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"
																: "TLSv1 TLSv1.1 TLSv1.2";
	}
	return NULL;
}

void nginx_tls_protocols(struct nginx_tls *tls, const struct directive *said, struct web_list *ret)
{
	for (size_t i = 0; said && i < said->n_args; i++)
		*vec_push(tls->web->arena, ret) = said->args[i];
	if (said)
		return;
	if (!tls->asked)
		tls->built_in = built_in_protocols(tls->web);
	tls->asked = true;
	if (tls->built_in)
		web_split(tls->web->arena, str_of(tls->built_in), ' ', ret);
	else
		ret->why = "it is not set, and what nginx then does is a matter of its version, which is "
				   "not known";
}

bool nginx_tls_is_commanded(const struct nginx_group *commands, const char *const *names)
{
	for (size_t i = 0; i < commands->n; i++)
		if (str_is_one_of_nocase(directive_arg(commands->p[i]), names))
			return true;
	return false;
}

void nginx_tls_keys(struct web *web, const struct nginx_group *keys, struct web_list *ret)
{
	for (size_t i = 0; i < keys->n; i++) {
		struct str path = directive_arg(keys->p[i]);

		if (!path.n || str_has_char(path, '$') || str_starts(path, "data:") ||
			str_starts(path, "engine:") || str_starts(path, "store:"))
			continue;
		if (*path.p != '/')
			path =
				str_of(arena_printf(web->arena, NGINX_DIRECTORY "%s", str_dup(web->arena, path)));
		web_open_key(web, path, ret);
	}
}
