@0xb3f1c07c5a1e4d29;
# The two messages workerd reads a Python interpreter from. Field numbers and the order of the
# union's members are workerd's; only what the packer writes is named.

struct Bundle {
  modules @0 :List(Module);
}

struct Module {
  name @0 :Text;
  union {
    src @1 :Data;
    wasm @4 :Data;
    data @5 :Data;
  }
  type @2 :ModuleType;
  tsDeclaration @3 :Text;
}

enum ModuleType {
  user @0;
  builtin @1;
  internal @2;
}

struct PythonPackages {
  files @0 :List(PythonPackageFile);
}

struct PythonPackageFile {
  installDir @0 :Text;
  path @1 :Text;
  contents @2 :Data;
}
