# CPU, page-table and interrupt mechanics.
KOBJS +=
