/* One row a function; see func.h. No include guard: read more than once. */
