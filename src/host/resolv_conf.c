/* SPDX-License-Identifier: Apache-2.0 */
#include "host/resolv_conf.h"

static void add_words(struct arena *a, struct str line, struct resolv *r, bool search)
{
	struct str word;

	while (str_word(&line, &word)) {
		if (search)
			*vec_push(a, &r->search) = word;
		else
			*vec_push(a, &r->options) = word;
	}
}

void resolv_parse(struct arena *a, struct str text, struct resolv *r)
{
	struct str line, keyword, address;

	while (str_line(&text, &line)) {
		if (!line.n || line.p[0] == ' ' || line.p[0] == '\t' || !str_word(&line, &keyword))
			continue;
		if (str_is(keyword, "nameserver") && str_word(&line, &address)) {
			*vec_push(a, &r->nameservers) = address;
		} else if (str_is(keyword, "search") || str_is(keyword, "domain")) {
			r->search.n = 0;
			add_words(a, line, r, true);
		} else if (str_is(keyword, "options")) {
			add_words(a, line, r, false);
		}
	}
}

static bool is_stub(struct str nameserver)
{
	return str_is(nameserver, "127.0.0.53") || str_is(nameserver, "127.0.0.54");
}

bool resolv_is_stub(const struct resolv *r)
{
	for (size_t i = 0; i < r->nameservers.n; i++)
		if (is_stub(r->nameservers.p[i]))
			return true;
	return false;
}

bool resolv_is_stub_only(const struct resolv *r)
{
	for (size_t i = 0; i < r->nameservers.n; i++)
		if (!is_stub(r->nameservers.p[i]))
			return false;
	return r->nameservers.n > 0;
}
