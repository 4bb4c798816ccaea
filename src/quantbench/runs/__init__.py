"""Running notebooks: parameters parsed, cells executed through papermill, results written once."""
