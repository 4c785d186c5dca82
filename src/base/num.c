/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

static int digits(struct str s, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s.n)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
					 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
					 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
											: 99;

		if (d >= base)
			return -EINVAL;
		if (d > max || v > (max - d) / base)
			return -ERANGE;
		v = v * base + d;
	}
	*ret = v;
	return 0;
}

int num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	int r = digits(s, 10, max, &v);

	if (r < 0)
		return r;
	if (v < min)
		return -ERANGE;
	*ret = v;
	return 0;
}

int num_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s.n && s.p[0] == '-';
	uint64_t v = 0;
	int64_t value;
	int r;

	if (negative)
		s.p++, s.n--;
	r = digits(s, 10, (uint64_t)INT64_MAX, &v);
	if (r < 0)
		return r;
	value = negative ? -(int64_t)v : (int64_t)v;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int num_usec(struct str s, int64_t *ret)
{
	struct str rest = s, whole;
	uint64_t seconds, fraction = 0;
	int r;

	if (!str_cut(&rest, '.', &whole))
		return -EINVAL;
	r = digits(whole, 10, INT64_MAX / 1000000 - 1, &seconds);
	if (r == 0 && rest.p)
		r = rest.n > 6 ? -EINVAL : digits(rest, 10, 999999, &fraction);
	for (size_t i = rest.n; r == 0 && i < 6; i++)
		fraction *= 10;
	if (r == 0)
		*ret = (int64_t)(seconds * 1000000 + fraction);
	return r;
}

int num_hex(struct str s, uint64_t max, uint64_t *ret)
{
	if (!str_skip(&s, "0x"))
		(void)str_skip(&s, "0X");
	return digits(s, 16, max, ret);
}

int num_mode(struct str s, unsigned *ret)
{
	uint64_t v = 0;
	int r = digits(s, 8, 07777, &v);

	if (r == 0)
		*ret = (unsigned)v;
	return r;
}

int num_port(struct str s, unsigned *ret)
{
	uint64_t v = 0;
	int r = num_u64(s, 0, 65535, &v);

	if (r == 0)
		*ret = (unsigned)v;
	return r;
}

int num_size(struct str s, int64_t *ret)
{
	static const char units[] = "KMGTP";
	const char *unit;
	unsigned shift = 0;
	uint64_t v = 0;
	int r;

	if (s.n > 1 && str_ends(s, "B"))
		s.n--;
	if (s.n > 1 && str_ends(s, "i"))
		s.n--;
	unit = s.n ? memchr(units, s.p[s.n - 1] & ~0x20, sizeof(units) - 1) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		s.n--;
	}
	r = digits(s, 10, (uint64_t)INT64_MAX >> shift, &v);
	if (r == 0)
		*ret = (int64_t)(v << shift);
	return r;
}

static int64_t span_unit(struct str unit)
{
	static const struct {
		const char *names; /* space-separated, space at both ends */
		int64_t seconds;
	} units[] = {
		{"  s sec second seconds ", 1},
		{" m min minute minutes ", 60},
		{" h hr hour hours ", 3600},
		{" d day days ", 86400},
		{" w week weeks ", 7 * 86400},
		{" M month months ", 2629800},   /* 30.44 days, systemd.time(7) */
		{" y year years ", 31557600}, /* 365.25 days, systemd.time(7) */
	};
	char padded[16];

	if (unit.n > sizeof(padded) - 3)
		return 0;
	padded[0] = ' ';
	if (unit.n)
		memcpy(padded + 1, unit.p, unit.n);
	padded[unit.n + 1] = ' ';
	padded[unit.n + 2] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strstr(units[i].names, padded))
			return units[i].seconds;
	return 0;
}

static struct str take_while(struct str *s, bool digit)
{
	struct str taken = {s->p, 0};

	while (s->n && (s->p[0] >= '0' && s->p[0] <= '9') == digit && s->p[0] != ' ')
		s->p++, s->n--, taken.n++;
	return taken;
}

int num_duration(struct str s, int64_t *ret)
{
	int64_t total = 0;

	s = str_trim(s);
	if (!s.n)
		return -EINVAL;
	if (str_is(s, "infinity")) {
		*ret = INT64_MAX;
		return 0;
	}
	for (; s.n; s = str_trim(s)) {
		struct str number = take_while(&s, true);
		uint64_t v = 0;
		int64_t unit;
		int r = digits(number, 10, UINT32_MAX, &v);

		if (r < 0)
			return r;
		s = str_trim(s);
		unit = span_unit(take_while(&s, false));
		if (!unit)
			return -EINVAL;
		total += (int64_t)v * unit;
		if (total < 0 || total > ((int64_t)1 << 60))
			return -ERANGE;
	}
	*ret = total;
	return 0;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int days_in(uint64_t year, uint64_t month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

int num_time(struct str s, int64_t *ret)
{
	uint64_t y, m, d, hour = 0, minute = 0, second = 0;

	if (s.n < 10 || s.p[4] != '-' || s.p[7] != '-' || digits((struct str){s.p, 4}, 10, 9999, &y) ||
		digits((struct str){s.p + 5, 2}, 10, 12, &m) ||
		digits((struct str){s.p + 8, 2}, 10, 31, &d) || y < 1970 || !m || !d ||
		(int)d > days_in(y, m))
		return -EINVAL;
	if (s.n != 10 &&
		(s.n != 20 || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':' || s.p[19] != 'Z' ||
		 digits((struct str){s.p + 11, 2}, 10, 23, &hour) ||
		 digits((struct str){s.p + 14, 2}, 10, 59, &minute) ||
		 digits((struct str){s.p + 17, 2}, 10, 60, &second)))
		return -EINVAL;
	*ret = days_of((int64_t)y, (int64_t)m, (int64_t)d) * 86400 + (int64_t)(hour * 3600) +
		   (int64_t)(minute * 60 + second);
	return 0;
}
