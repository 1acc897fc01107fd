namespace Vitrine.Kernel.Vfs;

/// <summary>The kinds of file systems that a machine knows, in the order of /proc/filesystems.</summary>
internal sealed class FileSystemRegistry
{
    private readonly List<FileSystemType> _types = [];

    public IReadOnlyList<FileSystemType> All => _types;

    public void Register(FileSystemType type)
    {
        if (Find(type.Name) is not null)
            throw new InvalidOperationException($"file system {type.Name} is registered twice");
        _types.Add(type);
    }

    public FileSystemType? Find(string name)
    {
        foreach (FileSystemType type in _types)
        {
            if (type.Name == name)
                return type;
        }

        return null;
    }
}
