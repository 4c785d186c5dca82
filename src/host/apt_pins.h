/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions apt is told to prefer (apt_preferences(5)): /etc/apt/preferences, then the files of
 * preferences.d, in the order in which apt reads them. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_APT_PINS_H
#define REVET_HOST_APT_PINS_H

#include "host/apt_archive.h"

enum pin_kind { PIN_VERSION, PIN_RELEASE, PIN_ORIGIN };

struct apt_pin {
	enum pin_kind kind;
	struct str packages; /* names and patterns, with blanks between; "*": all */
	struct str what;     /* "5.10*"; "o=Debian,a=stable"; "deb.debian.org" */
	int64_t priority;    /* never 0 */
	const char *file;
	unsigned line;
};

struct apt_pins {
	struct apt_pin *p;
	size_t n, cap;
	const char *gap; /* why one may be missing; NULL: complete */
};

void apt_pins_read(struct host *, struct arena *, struct apt_pins *ret);
const char *pin_kind_name(enum pin_kind);
/* Is it about every package there is? */
bool apt_pin_is_general(const struct apt_pin *);

enum pin_match { PIN_NO, PIN_YES, PIN_NOT_KNOWN };

/* Does a pin by release or origin speak of the archive? */
enum pin_match apt_pin_matches(const struct apt_pin *, const struct apt_archive *, struct arena *);

#endif
