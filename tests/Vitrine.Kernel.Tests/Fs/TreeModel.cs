using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

/// <summary>What a file tree should be, kept in the simplest way: the reference of the random tests.</summary>
internal sealed class ModelNode
{
    public required FileMode Type { get; init; }

    public SortedDictionary<string, ModelNode> Entries { get; } = new(StringComparer.Ordinal);

    public byte[] Data { get; set; } = [];

    public string Target { get; init; } = "";

    public uint Permissions { get; set; }

    public SortedDictionary<string, string> Xattrs { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of an object that is no directory.</summary>
    public uint Links { get; set; }

    /// <summary>Device and number as first seen; they must never change.</summary>
    public (DeviceNumber Device, InodeNumber Number)? Identity { get; set; }

    public bool IsDirectory => Type == FileMode.Directory;

    public bool IsWithin(ModelNode ancestor)
    {
        if (ancestor == this)
            return true;
        foreach (ModelNode child in ancestor.Entries.Values)
        {
            if (child.IsDirectory && IsWithin(child))
                return true;
        }

        return false;
    }
}

/// <summary>A seeded generator of its own, so that a failing seed can be run again on any platform version.</summary>
internal sealed class ModelRandom(ulong seed)
{
    private ulong _state = (seed * 0x9E3779B97F4A7C15) + 1;

    public int Next(int limit)
    {
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return (int)((_state >> 11) % (ulong)limit);
    }

    public T Pick<T>(IReadOnlyList<T> items) => items[Next(items.Count)];
}
