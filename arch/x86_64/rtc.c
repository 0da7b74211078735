/* The CMOS real-time clock (Motorola MC146818A data sheet; century byte by the FADT): wall-clock time in UTC.
 * rtc_lock covers the index/data port pair, interrupts off. */
#define LOG_PREFIX "rtc: "
#include <arch/clock.h>
#include <arch/io.h>
#include <lib/err.h>
#include <lib/string.h>
#include <log/printk.h>
#include <sync/spinlock.h>
#include "plat_priv.h"

enum {
	RTC_SECONDS = 0,
	RTC_MINUTES = 2,
	RTC_HOURS = 4,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_A = 10,
	RTC_B = 11,
};
#define RTC_A_UPDATING 0x80
#define RTC_B_SET      0x80
#define RTC_B_BINARY   0x04
#define RTC_B_24H      0x02
#define RTC_HOUR_PM    0x80

struct rtc_time {
	u8 sec, min, hour, day, month, year, century;
};

static DEFINE_SPINLOCK(rtc_lock);

static u8 cmos_read(u8 index)
{
	outb(0x70, index);
	return inb(0x71);
}

static void cmos_write(u8 index, u8 v)
{
	outb(0x70, index);
	outb(0x71, v);
}

static struct rtc_time read_raw(void)
{
	struct rtc_time t = {cmos_read(RTC_SECONDS),
			     cmos_read(RTC_MINUTES),
			     cmos_read(RTC_HOURS),
			     cmos_read(RTC_DAY),
			     cmos_read(RTC_MONTH),
			     cmos_read(RTC_YEAR),
			     0};
	if (acpi_fadt.century)
		t.century = cmos_read(acpi_fadt.century);
	return t;
}

static u8 from_bcd(u8 v)
{
	return (v & 15) + (v >> 4) * 10;
}

static u8 to_bcd(u8 v)
{
	return v % 10 | v / 10 << 4;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar: years are counted from March. */
static s64 days_of(s64 y, unsigned m, unsigned d)
{
	y -= m <= 2;
	s64 era = (y >= 0 ? y : y - 399) / 400;
	s64 yoe = y - era * 400;
	s64 doy = (153 * (s64)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(s64 days, s64 *y, u8 *m, u8 *d)
{
	days += 719468;
	s64 era = (days >= 0 ? days : days - 146096) / 146097;
	s64 doe = days - era * 146097;
	s64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	s64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	s64 mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

static u64 decode(struct rtc_time t, u8 b)
{
	bool pm = t.hour & RTC_HOUR_PM;

	t.hour &= 0x7f;
	if (!(b & RTC_B_BINARY)) {
		t.sec = from_bcd(t.sec);
		t.min = from_bcd(t.min);
		t.hour = from_bcd(t.hour);
		t.day = from_bcd(t.day);
		t.month = from_bcd(t.month);
		t.year = from_bcd(t.year);
		t.century = from_bcd(t.century);
	}
	if (!(b & RTC_B_24H))
		t.hour = t.hour % 12 + (pm ? 12 : 0);
	if (t.sec > 60 || t.min > 59 || t.hour > 23 || t.day < 1 || t.day > 31 || t.month < 1 ||
	    t.month > 12)
		return 0;
	s64 year = t.century >= 19 && t.century <= 29 ? t.century * 100 + t.year
						      : (t.year >= 70 ? 1900 : 2000) + t.year;
	s64 secs = days_of(year, t.month, t.day) * 86400 + t.hour * 3600 + t.min * 60 + t.sec;
	return secs > 0 ? secs : 0;
}

/* The update cycle takes at most 1984 us; registers read outside it, twice alike, are consistent. */
static bool read_stable(struct rtc_time *out, u8 *b)
{
	struct rtc_time t, again;
	unsigned long f;
	bool ok = false;

	spin_lock_irqsave(&rtc_lock, f);
	for (unsigned tries = 0; tries < 4 && !ok; tries++) {
		for (unsigned us = 0; (cmos_read(RTC_A) & RTC_A_UPDATING) && us < 2000; us += 10)
			udelay(10);
		t = read_raw();
		again = read_raw();
		ok = !memcmp(&t, &again, sizeof(t));
	}
	*b = cmos_read(RTC_B);
	spin_unlock_irqrestore(&rtc_lock, f);
	*out = t;
	return ok;
}

u64 arch_rtc_read(void)
{
	struct rtc_time t;
	u8 b;

	if (acpi_fadt.valid && acpi_fadt.no_cmos_rtc)
		return 0;
	if (!read_stable(&t, &b)) {
		pr_warn("cannot be read");
		return 0;
	}
	return decode(t, b);
}

int arch_rtc_write(u64 secs)
{
	struct rtc_time t;
	unsigned long f;
	s64 year;

	if (acpi_fadt.valid && acpi_fadt.no_cmos_rtc)
		return -ENODEV;
	if (secs / 86400 > 3000000)
		return -EINVAL;
	date_of(secs / 86400, &year, &t.month, &t.day);
	t.century = year / 100;
	t.year = year % 100;
	t.hour = secs / 3600 % 24;
	t.min = secs / 60 % 60;
	t.sec = secs % 60;
	spin_lock_irqsave(&rtc_lock, f);
	u8 b = cmos_read(RTC_B);
	bool bcd = !(b & RTC_B_BINARY);
	u8 hour = t.hour;
	if (!(b & RTC_B_24H))
		hour = t.hour % 12 ? t.hour % 12 : 12;
	hour = bcd ? to_bcd(hour) : hour;
	if (!(b & RTC_B_24H) && t.hour >= 12)
		hour |= RTC_HOUR_PM;
	cmos_write(RTC_B, b | RTC_B_SET);
	cmos_write(RTC_SECONDS, bcd ? to_bcd(t.sec) : t.sec);
	cmos_write(RTC_MINUTES, bcd ? to_bcd(t.min) : t.min);
	cmos_write(RTC_HOURS, hour);
	cmos_write(RTC_DAY, bcd ? to_bcd(t.day) : t.day);
	cmos_write(RTC_MONTH, bcd ? to_bcd(t.month) : t.month);
	cmos_write(RTC_YEAR, bcd ? to_bcd(t.year) : t.year);
	if (acpi_fadt.century)
		cmos_write(acpi_fadt.century, bcd ? to_bcd(t.century) : t.century);
	cmos_write(RTC_B, b & ~RTC_B_SET);
	spin_unlock_irqrestore(&rtc_lock, f);
	return 0;
}
