using System.Text;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

/// <summary>
/// Does random operations to a file system and to a model, and compares. Inodes are looked up anew for each operation;
/// some are held for a while, as dentries and open files hold them.
/// </summary>
/// <param name="isHost">Keeps to what an ordinary user can do in a tree shared with the host.</param>
internal sealed class TreeExerciser(FsFixture fs, SuperBlock super, ModelNode root, ulong seed, bool isHost = false)
{
    private static readonly string[] Names = ["a", "b", "c", "d", "e", "f"];
    private readonly ModelRandom _random = new(seed);
    private readonly List<(OpenFile File, ModelNode Node)> _open = [];
    private readonly Queue<Inode> _held = new();

    public void Run(int operations)
    {
        CompareTree();
        for (int i = 0; i < operations; i++)
        {
            Step();
            if (i % 50 == 49)
                CompareTree();
        }

        CompareTree();
        foreach ((OpenFile file, ModelNode node) in _open)
        {
            CompareOpen(file, node);
            file.Put();
        }

        _open.Clear();
        while (_held.TryDequeue(out Inode? inode))
            inode.Put();
    }

    private void Step()
    {
        (ModelNode directory, string path) = PickDirectory();
        Inode inode = fs.Walk(super, path);
        string name = _random.Pick(Names);
        directory.Entries.TryGetValue(name, out ModelNode? existing);
        switch (_random.Next(16))
        {
            case 0 or 1:
                if (existing is null)
                    Make(directory, inode, name);
                break;
            case 2:
                MakeDirectory(directory, inode, name, existing);
                break;
            case 3:
                Remove(directory, inode, name, existing);
                break;
            case 4 or 5:
                Rename(directory, inode, name, existing);
                break;
            case 6:
                Link(directory, inode, name, existing);
                break;
            case 7 or 8 or 9:
                if (existing is { Type: FileMode.Regular })
                    WriteSome(inode, name, existing);
                break;
            case 10:
                if (existing is { Type: FileMode.Regular })
                    Resize(inode, name, existing);
                break;
            case 11:
                if (existing is not null && existing.Type != FileMode.Symlink)
                    ChangeMode(inode, name, existing);
                break;
            case 12:
                if (existing is not null && existing.Type is FileMode.Regular or FileMode.Directory)
                    ChangeXattr(inode, name, existing!);
                break;
            case 13:
                if (existing is { Type: FileMode.Regular } && _open.Count < 8)
                    OpenOne(inode, name, existing);
                break;
            case 14:
                if (_open.Count > 0)
                    CloseOne();
                break;
            default:
                Hold(inode, name, existing);
                break;
        }

        inode.Put();
    }

    private void Make(ModelNode directory, Inode inode, string name)
    {
        int kind = _random.Next(4);
        Inode made;
        ModelNode node;
        if (kind == 0)
        {
            string target = "target-" + _random.Next(100);
            made = fs.InDirectory(inode, () => inode.SymlinkAsync(fs.Current, FsFixture.Name(name), FsFixture.Bytes(target))).Value;
            node = new ModelNode { Type = FileMode.Symlink, Target = target, Links = 1, Permissions = 0x1FF };
        }
        else if (kind == 1 && !isHost)
        {
            made = fs.InDirectory(inode, () => inode.MakeNodeAsync(fs.Current, FsFixture.Name(name), FileMode.Fifo | (FileMode)0x180, default)).Value;
            node = new ModelNode { Type = FileMode.Fifo, Links = 1, Permissions = 0x180 };
        }
        else
        {
            made = fs.Create(inode, name);
            node = new ModelNode { Type = FileMode.Regular, Links = 1, Permissions = 0x1A4 };
        }

        made.Put();
        directory.Entries.Add(name, node);
    }

    private void MakeDirectory(ModelNode directory, Inode inode, string name, ModelNode? existing)
    {
        if (existing is not null)
            return;
        fs.MakeDirectory(inode, name).Put();
        directory.Entries.Add(name, new ModelNode { Type = FileMode.Directory, Permissions = 0x1ED });
    }

    private void Remove(ModelNode directory, Inode inode, string name, ModelNode? existing)
    {
        if (existing is null)
        {
            Assert.Null(fs.Find(inode, name));
        }
        else if (existing.IsDirectory)
        {
            Errno expected = existing.Entries.Count > 0 ? Errno.ENOTEMPTY : Errno.Success;
            Assert.Equal(expected, fs.RemoveDirectory(inode, name));
            if (expected == Errno.Success)
                directory.Entries.Remove(name);
        }
        else
        {
            Assert.Equal(Errno.Success, fs.Unlink(inode, name));
            existing.Links--;
            directory.Entries.Remove(name);
        }
    }

    private void Rename(ModelNode from, Inode inode, string name, ModelNode? source)
    {
        if (source is null)
            return;
        (ModelNode to, string toPath) = PickDirectory();
        string newName = _random.Pick(Names);
        to.Entries.TryGetValue(newName, out ModelNode? target);
        bool exchange = target is not null && _random.Next(3) == 0;

        // What the VFS decides before a file system is asked.
        if (source == target || (source.IsDirectory && to.IsWithin(source)) || (target is { IsDirectory: true } && from.IsWithin(target)))
            return;
        if (!exchange && target is not null && target.IsDirectory != source.IsDirectory)
            return;
        Inode toInode = fs.Walk(super, toPath);
        Errno expected = !exchange && target is { IsDirectory: true, Entries.Count: > 0 } ? Errno.ENOTEMPTY : Errno.Success;
        Assert.Equal(expected, fs.Rename(inode, name, toInode, newName, exchange ? RenameFlags.Exchange : RenameFlags.None));
        toInode.Put();
        if (expected != Errno.Success)
            return;
        if (exchange)
        {
            from.Entries[name] = target!;
        }
        else
        {
            from.Entries.Remove(name);
            if (target is { IsDirectory: false })
                target.Links--;
        }

        to.Entries[newName] = source;
    }

    private void Link(ModelNode directory, Inode inode, string name, ModelNode? existing)
    {
        if (existing is not null)
            return;
        (ModelNode other, string otherPath) = PickDirectory();
        string otherName = _random.Pick(Names);
        if (!other.Entries.TryGetValue(otherName, out ModelNode? target) || target.IsDirectory)
            return;
        Inode targetInode = fs.Walk(super, otherPath + "/" + otherName);
        Assert.Equal(Errno.Success, fs.Link(targetInode, inode, name));
        targetInode.Put();
        target.Links++;
        directory.Entries.Add(name, target);
    }

    private void WriteSome(Inode directory, string name, ModelNode node)
    {
        Inode file = fs.Find(directory, name)!;
        int offset = _random.Next(Math.Max(node.Data.Length, 1) + 5000);
        byte[] data = new byte[1 + _random.Next(_random.Next(4) == 0 ? 20_000 : 100)];
        for (int i = 0; i < data.Length; i++)
            data[i] = (byte)_random.Next(256);
        fs.Write(file, offset, data);
        file.Put();
        byte[] content = node.Data;
        if (content.Length < offset + data.Length)
            Array.Resize(ref content, offset + data.Length);
        data.CopyTo(content, offset);
        node.Data = content;
    }

    private void Resize(Inode directory, string name, ModelNode node)
    {
        Inode file = fs.Find(directory, name)!;
        int size = _random.Next(node.Data.Length + 6000);
        Assert.Equal(Errno.Success, fs.Truncate(file, size));
        file.Put();
        byte[] content = node.Data;
        Array.Resize(ref content, size);
        node.Data = content;
    }

    private void ChangeMode(Inode directory, string name, ModelNode node)
    {
        Inode file = fs.Find(directory, name)!;
        node.Permissions = (uint)_random.Next(0x200) | (isHost ? 0x1C0U : 0);
        Assert.Equal(Errno.Success, fs.Change(file, new InodeAttributes { Mask = AttributeMask.Mode, Mode = (FileMode)node.Permissions }));
        file.Put();
    }

    private void ChangeXattr(Inode directory, string name, ModelNode node)
    {
        Inode file = fs.Find(directory, name)!;
        string key = "user." + _random.Pick(Names);
        if (_random.Next(3) == 0)
        {
            Errno expected = node.Xattrs.Remove(key) ? Errno.Success : Errno.ENODATA;
            Assert.Equal(expected, fs.InDirectory(file, () => file.RemoveXattrAsync(fs.Current, key)));
        }
        else
        {
            string value = "v" + _random.Next(1000);
            node.Xattrs[key] = value;
            Assert.Equal(Errno.Success, fs.InDirectory(file, () => file.SetXattrAsync(fs.Current, key, FsFixture.Bytes(value), XattrFlags.None)));
        }

        file.Put();
    }

    private void OpenOne(Inode directory, string name, ModelNode node)
    {
        Inode file = fs.Find(directory, name)!;
        _open.Add((fs.Open(file, _random.Next(2) == 0 ? OpenFlags.ReadOnly : OpenFlags.ReadWrite), node));
        file.Put();
    }

    private void CloseOne()
    {
        int index = _random.Next(_open.Count);
        (OpenFile file, ModelNode node) = _open[index];
        CompareOpen(file, node);
        file.Put();
        _open.RemoveAt(index);
    }

    private void Hold(Inode directory, string name, ModelNode? node)
    {
        Inode? found = fs.Find(directory, name);
        Assert.Equal(node is null, found is null);
        if (found is null)
            return;
        _held.Enqueue(found);
        if (_held.Count > 10)
            _held.Dequeue().Put();
    }

    private (ModelNode Directory, string Path) PickDirectory()
    {
        ModelNode at = root;
        string path = "";
        while (_random.Next(3) != 0)
        {
            var below = new List<string>();
            foreach ((string name, ModelNode node) in at.Entries)
            {
                if (node.IsDirectory)
                    below.Add(name);
            }

            if (below.Count == 0)
                break;
            string next = _random.Pick(below);
            at = at.Entries[next];
            path += "/" + next;
        }

        return (at, path);
    }

    private void CompareOpen(OpenFile file, ModelNode node) =>
        Assert.True(fs.Read(file, 0, node.Data.Length + 10).AsSpan().SequenceEqual(node.Data), $"seed {seed}: an open file differs");

    private void CompareTree() => Compare(super.Root.Inode!, root, "/");

    private void Compare(Inode inode, ModelNode node, string path)
    {
        KernelStat stat = fs.Stat(inode);
        string where = $"seed {seed}: {path}";
        Assert.True(stat.Mode == (node.Type | (FileMode)node.Permissions), $"{where}: mode {stat.Mode}");
        if (!node.IsDirectory)
            Assert.True(stat.LinkCount == node.Links, $"{where}: {stat.LinkCount} links instead of {node.Links}");
        node.Identity ??= (stat.Device, stat.Inode);
        Assert.True(node.Identity == (stat.Device, stat.Inode), $"{where}: number {stat.Inode} was {node.Identity}");
        CompareXattrs(inode, node, where);
        if (node.Type == FileMode.Regular)
        {
            Assert.True(stat.Size == node.Data.Length, $"{where}: size {stat.Size} instead of {node.Data.Length}");
            Assert.True(fs.ReadAll(inode).AsSpan().SequenceEqual(node.Data), $"{where}: content");
        }
        else if (node.Type == FileMode.Symlink)
        {
            Assert.Equal(node.Target, Encoding.UTF8.GetString(fs.Run(inode.ReadLinkAsync(fs.Current)).Value));
        }
        else if (node.IsDirectory)
        {
            CompareEntries(inode, node, path, where);
        }
    }

    private void CompareXattrs(Inode inode, ModelNode node, string where)
    {
        var names = new List<string>();
        foreach (string name in fs.Run(inode.ListXattrAsync(fs.Current)).Value)
        {
            if (name.StartsWith("user.", StringComparison.Ordinal))
                names.Add(name);
        }

        names.Sort(StringComparer.Ordinal);
        Assert.True(names.SequenceEqual(node.Xattrs.Keys), $"{where}: xattrs {string.Join(' ', names)}");
        foreach ((string name, string value) in node.Xattrs)
            Assert.Equal(value, Encoding.UTF8.GetString(fs.Run(inode.GetXattrAsync(fs.Current, name)).Value));
    }

    private void CompareEntries(Inode inode, ModelNode node, string path, string where)
    {
        List<(string Name, ulong Inode, byte Type)> entries = fs.List(inode);
        var names = new List<string>();
        foreach ((string name, _, _) in entries)
            names.Add(name);
        names.Sort(StringComparer.Ordinal);
        Assert.True(names.SequenceEqual(node.Entries.Keys), $"{where}: [{string.Join(' ', names)}] instead of [{string.Join(' ', node.Entries.Keys)}]");
        foreach ((string name, ulong number, byte type) in entries)
        {
            ModelNode expected = node.Entries[name];
            Inode child = fs.Find(inode, name)!;
            Compare(child, expected, path + name + "/");
            Assert.True(number == child.Number.Value, $"{where}{name}: listed as {number}, is {child.Number.Value}");
            Assert.Equal((byte)((uint)expected.Type >> 12), type);
            child.Put();
        }
    }
}
