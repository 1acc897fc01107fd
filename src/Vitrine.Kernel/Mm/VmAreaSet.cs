namespace Vitrine.Kernel.Mm;

/// <summary>
/// The mappings of an address space in order of address, disjoint: a sorted array, found by binary search. Inserting
/// moves references only (65,530 mappings at most: half a megabyte in the worst case).
/// </summary>
internal sealed class VmAreaSet
{
    private VmArea[] _areas = new VmArea[16];
    private VmArea? _last;

    public int Count { get; private set; }

    public VmArea this[int index] => _areas[index];

    /// <summary>The mapping that holds the address, or null.</summary>
    public VmArea? Find(VirtAddr address)
    {
        if (_last is { } last && last.Contains(address))
            return last;
        int index = FirstEndingAfter(address);
        if (index == Count || _areas[index].Start > address)
            return null;
        return _last = _areas[index];
    }

    /// <summary>The position of the first mapping whose end is beyond the address: it holds it or comes after it.</summary>
    public int FirstEndingAfter(VirtAddr address)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_areas[middle].End > address)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    /// <summary>True if no mapping overlaps [start, end).</summary>
    public bool IsFree(VirtAddr start, VirtAddr end)
    {
        int index = FirstEndingAfter(start);
        return index == Count || _areas[index].Start >= end;
    }

    /// <summary>Adds a mapping that overlaps no other.</summary>
    public void Insert(VmArea area)
    {
        if (Count == _areas.Length)
            Array.Resize(ref _areas, Count * 2);
        int index = Count > 0 && _areas[Count - 1].End <= area.Start ? Count : FirstEndingAfter(area.Start);
        Array.Copy(_areas, index, _areas, index + 1, Count - index);
        _areas[index] = area;
        Count++;
    }

    /// <summary>Removes mappings [index, index + count).</summary>
    public void RemoveAt(int index, int count)
    {
        if (count == 0)
            return;
        Array.Copy(_areas, index + count, _areas, index, Count - index - count);
        Array.Clear(_areas, Count - count, count);
        Count -= count;
        _last = null;
    }

    public void Remove(VmArea area) => RemoveAt(IndexOf(area), 1);

    public int IndexOf(VmArea area)
    {
        int index = FirstEndingAfter(area.Start);
        return index < Count && _areas[index] == area ? index : throw new InvalidOperationException($"{area} is not in its address space");
    }

    public void Clear()
    {
        Array.Clear(_areas, 0, Count);
        Count = 0;
        _last = null;
    }
}
