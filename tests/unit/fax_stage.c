#include "fax_stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <tiffio.h>
#include <cmocka.h>

enum { BYTES = PAGE_WIDTH / 8 };

static uint32_t next(uint32_t *x)
{
	*x = *x * 1664525u + 1013904223u;
	return *x >> 8;
}

/* Bars of some length, as text is: what compresses like a page. */
static void row_make(uint8_t row[BYTES], uint32_t seed, unsigned page, unsigned y)
{
	uint32_t x = seed + page * 7919u + y / 4 * 104729u;
	unsigned at = 0;
	bool black = false;

	memset(row, 0, BYTES);
	while (at < PAGE_WIDTH) {
		unsigned run = 1 + next(&x) % 96;

		for (unsigned i = 0; black && i < run && at + i < PAGE_WIDTH; i++)
			row[(at + i) / 8] |= (uint8_t)(0x80 >> (at + i) % 8);
		at += run;
		black = !black;
	}
}

void pages_write(const char *path, unsigned n, unsigned rows, uint32_t seed)
{
	TIFF *t = TIFFOpen(path, "w");
	uint8_t row[BYTES];

	assert_non_null(t);
	for (unsigned page = 0; page < n; page++) {
		TIFFSetField(t, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
		TIFFSetField(t, TIFFTAG_IMAGEWIDTH, PAGE_WIDTH);
		TIFFSetField(t, TIFFTAG_IMAGELENGTH, rows);
		TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
		TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
		TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, rows);
		TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T6);
		TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
		TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
		TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
		TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
		TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0);
		TIFFSetField(t, TIFFTAG_YRESOLUTION, 98.0);
		TIFFSetField(t, TIFFTAG_PAGENUMBER, page, n);
		for (unsigned y = 0; y < rows; y++) {
			row_make(row, seed, page, y);
			assert_int_equal(TIFFWriteScanline(t, row, y, 0), 1);
		}
		assert_int_equal(TIFFWriteDirectory(t), 1);
	}
	TIFFClose(t);
}

unsigned pages_count(const char *path)
{
	TIFF *t = TIFFOpen(path, "r");
	unsigned n = t ? (unsigned)TIFFNumberOfDirectories(t) : 0;

	if (t)
		TIFFClose(t);
	return n;
}

static bool page_same(TIFF *t, unsigned rows, uint32_t seed, unsigned page)
{
	uint8_t want[BYTES], got[BYTES];

	for (unsigned y = 0; y < rows; y++) {
		row_make(want, seed, page, y);
		if (TIFFReadScanline(t, got, y, 0) != 1 || memcmp(want, got, BYTES))
			return false;
	}
	return true;
}

int pages_whole(const char *path, unsigned rows, uint32_t seed)
{
	TIFF *t = TIFFOpen(path, "r");
	unsigned page = 0;
	int whole = 0;

	if (!t)
		return 0;
	do {
		uint32_t width = 0, length = 0;

		TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width);
		TIFFGetField(t, TIFFTAG_IMAGELENGTH, &length);
		if (width != PAGE_WIDTH || length != rows) {
			whole = -1;
			break;
		}
		whole += page_same(t, rows, seed, page++);
	} while (TIFFReadDirectory(t));
	TIFFClose(t);
	return whole;
}

bool loss_now(struct loss *l)
{
	return next(&l->x) % 1000 < l->permille;
}
