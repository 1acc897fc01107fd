using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs.Generated;

/// <summary>A fixed entry: its name, its inode number, how its inode is made.</summary>
internal readonly record struct StaticEntry(string Name, FileMode Mode, Func<GeneratedSuperBlock, GeneratedInode> Make);

/// <summary>A directory of fixed entries, the same for everybody.</summary>
internal class StaticDirectory : GeneratedDirectory
{
    private readonly StaticEntry[] _entries;
    private readonly GeneratedInode?[] _made;

    public StaticDirectory(GeneratedSuperBlock superBlock, StaticEntry[] entries)
        : base(superBlock, Public)
    {
        _entries = entries;
        _made = new GeneratedInode?[entries.Length];
        LinkCount = 2;
        foreach (StaticEntry entry in entries)
        {
            if ((entry.Mode & FileMode.TypeMask) == FileMode.Directory)
                LinkCount++;
        }
    }

    protected int Count => _entries.Length;

    protected override GeneratedInode? Find(Task current, FileName name)
    {
        string wanted = name.ToString();
        for (int i = 0; i < _entries.Length; i++)
        {
            if (_entries[i].Name == wanted)
                return (GeneratedInode)Entry(i).Get();
        }

        return null;
    }

    public override void List(Task current, GeneratedListing listing)
    {
        for (int i = 0; i < _entries.Length; i++)
            listing.Add(2 + i, _entries[i].Name, Entry(i).Number, _entries[i].Mode);
    }

    public override void Evict()
    {
        for (int i = 0; i < _made.Length; i++)
        {
            _made[i]?.Put();
            _made[i] = null;
        }

        base.Evict();
    }

    /// <summary>Inodes of fixed entries live as long as their directory, so that their numbers stay.</summary>
    private GeneratedInode Entry(int index) => _made[index] ??= _entries[index].Make(SuperBlock);
}
