"""The pages, one module an area; which routes there are, and who may use them, stands in `console.routes`."""
