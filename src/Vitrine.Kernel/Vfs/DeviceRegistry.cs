using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>Opens what a special inode stands for. The result has one reference, the opener's.</summary>
internal delegate KTask<Result<OpenFile>> SpecialOpener(Task current, VfsPath path, Inode inode, OpenFlags flags);

/// <summary>A range of device numbers and who opens them, as in /proc/devices.</summary>
internal sealed record DeviceRange(uint Major, uint FirstMinor, uint Count, string Name, SpecialOpener Opener);

/// <summary>Who answers for device nodes and FIFOs when they are opened.</summary>
internal sealed class DeviceRegistry
{
    private readonly List<DeviceRange> _characters = [];
    private readonly List<DeviceRange> _blocks = [];

    public IReadOnlyList<DeviceRange> Characters => _characters;

    public IReadOnlyList<DeviceRange> Blocks => _blocks;

    /// <summary>Opens FIFOs; null: ENXIO.</summary>
    public SpecialOpener? FifoOpener { get; set; }

    public void RegisterCharacter(uint major, uint firstMinor, uint count, string name, SpecialOpener opener) =>
        Register(_characters, new DeviceRange(major, firstMinor, count, name, opener));

    public void RegisterBlock(uint major, uint firstMinor, uint count, string name, SpecialOpener opener) =>
        Register(_blocks, new DeviceRange(major, firstMinor, count, name, opener));

    public SpecialOpener? FindCharacter(DeviceNumber device) => Find(_characters, device);

    public SpecialOpener? FindBlock(DeviceNumber device) => Find(_blocks, device);

    private static void Register(List<DeviceRange> ranges, DeviceRange range)
    {
        foreach (DeviceRange other in ranges)
        {
            if (other.Major == range.Major && range.FirstMinor < other.FirstMinor + other.Count && other.FirstMinor < range.FirstMinor + range.Count)
                throw new InvalidOperationException($"device numbers of {range.Name} belong to {other.Name}");
        }

        ranges.Add(range);
    }

    private static SpecialOpener? Find(List<DeviceRange> ranges, DeviceNumber device)
    {
        foreach (DeviceRange range in ranges)
        {
            if (range.Major == device.Major && device.Minor - range.FirstMinor < range.Count)
                return range.Opener;
        }

        return null;
    }
}
