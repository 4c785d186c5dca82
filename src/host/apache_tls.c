/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_tls.h"

#include "base/vec.h"

void apache_tls_protocols(struct arena *arena, const struct directive *d, struct web_list *ret)
{
	static const char *const names[] = {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
	bool on[ARRAY_LEN(names)] = {false, true, true, true, true};

	for (size_t i = 0; d && i < d->n_args; i++) {
		struct str word = d->args[i];
		bool minus = str_skip(&word, "-"), plus = str_skip(&word, "+");
		bool all = str_is_nocase(word, "all");

		if (!minus && !plus)
			memset(on, 0, sizeof(on));
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			if ((all && (k || minus)) || str_is_nocase(word, names[k]))
				on[k] = !minus;
	}
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if (on[k])
			*vec_push(arena, ret) = str_of(names[k]);
}

void apache_tls_keys(struct web *web, const struct directive *server, struct web_list *ret)
{
	for (const struct directive *d = server->first; d; d = d->next)
		if (apache_is(d, "SSLCertificateKeyFile") && str_starts(directive_arg(d), "/"))
			web_open_key(web, directive_arg(d), ret);
}
