"""The administration's pages: each route with its rule, and no route without one."""
