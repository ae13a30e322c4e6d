/* One row an application; see app.h. No include guard: read more than once. */
APP(dial)
