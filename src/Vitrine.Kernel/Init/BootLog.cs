using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Init;

/// <summary>What the kernel says at boot (dmesg's first lines): true values of this machine, in Linux's words.</summary>
internal static class BootLog
{
    public static void WriteMachine(KernelInstance kernel)
    {
        kernel.Log.Write(Printk.PrintkLevel.Notice, "Linux version 6.12.0-vitrine (vitrine) (C#) #1 SMP PREEMPT_DYNAMIC");
        kernel.Log.Info("x86/CPU: x86-64 processor, interpreted");
        kernel.Log.Info($"smpboot: Allowing {kernel.Processors.Length} CPUs, 0 hotplug CPUs");
        PhysicalMemory memory = kernel.Memory;
        long total = (long)memory.TotalFrames << (Page.Shift - 10);
        long free = memory.Vm[VmCounter.FreePages] << (Page.Shift - 10);
        kernel.Log.Info($"Memory: {free}K/{kernel.Options.Ram.Length >> 10}K available ({(long)(kernel.Options.Ram.Length >> 10) - total}K reserved)");
        kernel.Log.Info($"smp: Brought up 1 node, {kernel.Processors.Length} CPU{(kernel.Processors.Length == 1 ? "" : "s")}");
        kernel.Log.Info("clocksource: Switched to clocksource tsc");
    }

    public static void WriteRoot(Task current)
    {
        SuperBlock root = current.Namespaces.Mount.Root!.SuperBlock;
        current.Kernel.Log.Info($"VFS: Mounted root ({root.Type.Name} filesystem){(root.IsReadOnly ? " readonly" : "")} on device {root.Device.Major}:{root.Device.Minor}.");
        foreach (Mount mount in current.Namespaces.Mount.Mounts)
        {
            if (mount.Parent is not { } parent)
                continue;
            byte[] place = PathText.Of(new VfsPath(parent, mount.MountPoint!), current.Fs!.Root);
            current.Kernel.Log.Info($"{mount.SuperBlock.Type.Name}: mounted on {System.Text.Encoding.UTF8.GetString(place)}");
        }
    }
}
