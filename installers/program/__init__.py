"""The installed program: its versions, the files outside its folder, and the bundles that it is installed from."""
