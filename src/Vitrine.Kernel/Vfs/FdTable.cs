namespace Vitrine.Kernel.Vfs;

/// <summary>Descriptors of a process: shared by CLONE_FILES, counted (files_struct's twin).</summary>
internal sealed partial class FdTable;

/// <summary>Root, working directory and umask: shared by CLONE_FS, counted (fs_struct's twin).</summary>
internal sealed partial class FsContext;
