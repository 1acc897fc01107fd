using System.Diagnostics.CodeAnalysis;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Ipc.SysV;

/// <summary>How identifiers are made: the place in the table below, a sequence number above.</summary>
internal static class IpcIds
{
    public const int IndexBits = 15;

    /// <summary>IPCMNI: places in a table.</summary>
    public const int MaximumObjects = 1 << IndexBits;

    private const int SequenceMaximum = int.MaxValue >> IndexBits;

    public static int NextSequence(int sequence) => sequence + 1 >= SequenceMaximum ? 0 : sequence + 1;
}

/// <summary>
/// The objects of one kind in an IPC namespace (ipc_ids' twin): by identifier, by key, by place. The lowest free place is
/// taken; the sequence number goes up when a place is taken that is not above the last one, so that an old identifier
/// does not soon name a new object.
/// </summary>
internal sealed class IpcIds<T>
    where T : IpcObject
{
    private readonly Dictionary<int, T> _byKey = [];
    private T?[] _objects = new T?[8];
    private int _lowestFree;
    private int _last = -1;
    private int _sequence;

    public int Count { get; private set; }

    /// <summary>The identifier that the next object is to have, for restoring; -1: as it comes.</summary>
    public int NextId { get; set; } = -1;

    /// <summary>The highest place in use, 0 if none is: what the INFO commands return.</summary>
    public int HighestIndex
    {
        get
        {
            int index = _objects.Length - 1;
            while (index > 0 && _objects[index] is null)
                index--;
            return index;
        }
    }

    public T? FindKey(int key) => _byKey.GetValueOrDefault(key);

    /// <summary>The object at a place (the STAT commands).</summary>
    public T? At(int index) => (uint)index < (uint)_objects.Length ? _objects[index] : null;

    /// <summary>The object that an identifier names, or null.</summary>
    public T? Find(int id) => id >= 0 && At(id & (IpcIds.MaximumObjects - 1)) is { } found && found.Id == id ? found : null;

    /// <summary>
    /// What a get call does (ipcget): finds the key's object, or says that one is to be made.
    /// ENOENT, EEXIST, EACCES as there. Success with null: make one.
    /// </summary>
    public Errno Get(Task current, int key, IpcFlags flags, Func<T, Errno> check, out T? found)
    {
        found = null;
        if (key == 0)
            return Errno.Success;
        if (FindKey(key) is not { } existing)
            return (flags & IpcFlags.Create) != 0 ? Errno.Success : Errno.ENOENT;
        if ((flags & (IpcFlags.Create | IpcFlags.Exclusive)) == (IpcFlags.Create | IpcFlags.Exclusive))
            return Errno.EEXIST;
        Errno error = check(existing);
        if (error != Errno.Success)
            return error;
        if (!existing.MayAccess(current, (uint)flags))
            return Errno.EACCES;
        found = existing;
        return Errno.Success;
    }

    /// <summary>Gives an object its identifier. ENOSPC at the limit.</summary>
    public Errno Add(T item, int limit)
    {
        if (Count >= Math.Min(limit, IpcIds.MaximumObjects))
            return Errno.ENOSPC;
        int sequence = _sequence;
        int index;
        if (NextId >= 0)
        {
            index = FreeFrom(NextId & (IpcIds.MaximumObjects - 1));
            sequence = NextId >> IpcIds.IndexBits;
            NextId = -1;
            if (index >= IpcIds.MaximumObjects)
                return Errno.ENOSPC;
        }
        else
        {
            index = FreeFrom(_lowestFree);
            if (index <= _last)
                sequence = _sequence = IpcIds.NextSequence(_sequence);
            _last = index;
            _lowestFree = index + 1;
        }

        if (index >= _objects.Length)
            Array.Resize(ref _objects, Math.Max(index + 1, _objects.Length * 2));
        _objects[index] = item;
        item.Id = (sequence << IpcIds.IndexBits) + index;
        if (item.Key != 0)
            _byKey.Add(item.Key, item);
        Count++;
        return Errno.Success;
    }

    private int FreeFrom(int index)
    {
        while (index < _objects.Length && _objects[index] is not null)
            index++;
        return index;
    }

    /// <summary>Takes it out and tells it so.</summary>
    public void Remove(T item)
    {
        int index = item.Id & (IpcIds.MaximumObjects - 1);
        _objects[index] = null;
        _lowestFree = Math.Min(_lowestFree, index);
        HideKey(item);
        Count--;
        item.MarkRemoved();
    }

    /// <summary>Makes it private: its key can be used again, its identifier goes on.</summary>
    public void HideKey(T item)
    {
        if (item.Key != 0)
            _byKey.Remove(item.Key);
        item.Key = 0;
    }

    /// <summary>The next object at or after a place.</summary>
    public bool Next(ref int index, [NotNullWhen(true)] out T? item)
    {
        for (; index < _objects.Length; index++)
        {
            if ((item = _objects[index]) is not null)
                return true;
        }

        item = null;
        return false;
    }
}
