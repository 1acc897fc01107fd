namespace Vitrine.Tests;

/// <summary>Disks made of files, driven by losetup(8). As root of the guest, so there is no host to compare with.</summary>
public class LoopDeviceTests
{
    private static readonly MachineOptions AsRoot = new()
    {
        Memory = 128L << 20,
        Timeout = TimeSpan.FromSeconds(180),
        Identity = GuestIdentity.Root,
    };

    [Fact]
    public async Task Attach_ShowsAndForgets() => Assert.Equal(
        "/dev/loop0\n2048\n/tmp/img\n0\ngone\n",
        await RunAsync(
            """
            truncate -s 1M img
            losetup -f --show img
            cat /sys/block/loop0/size /sys/block/loop0/loop/backing_file
            losetup -d /dev/loop0
            cat /sys/block/loop0/size
            test -e /sys/block/loop0/loop || echo gone
            """));

    [Fact]
    public async Task Requests_AreCounted() => Assert.Equal(
        "7 0 3072 loop0\nread 3 24, written 2 256, flushed 1\n96\n",
        await RunAsync(
            """
            truncate -s 3M img
            losetup /dev/loop0 img
            dd if=/dev/zero of=/dev/loop0 bs=64k count=2 conv=fsync 2>/dev/null
            dd if=/dev/loop0 of=/dev/null bs=4k count=3 2>/dev/null
            echo $(grep loop0 /proc/partitions)
            set -- $(grep loop0 /proc/diskstats)
            echo read $4 $6, written $8 ${10}, flushed ${19}
            blockdev --setra 100 /dev/loop0
            blockdev --getra /dev/loop0
            """));

    [Fact]
    public async Task Write_GoesToTheFileAtItsOffset() => Assert.Equal(
        "4096 512 0\nhello",
        await RunAsync(
            """
            truncate -s 1M img
            losetup -o 512 --sizelimit 4096 /dev/loop3 img
            echo $(blockdev --getsize64 --getss --getro /dev/loop3)
            printf hello | dd of=/dev/loop3 bs=512 seek=2 conv=sync 2>/dev/null
            tail -c +1537 img | head -c 5
            """));

    [Fact]
    public async Task Write_BeyondTheEndOrReadOnly_Fails() => Assert.Equal(
        "No space left on device\nOperation not permitted\n",
        await RunAsync(
            """
            truncate -s 4096 img
            losetup /dev/loop0 img
            dd if=/dev/zero of=/dev/loop0 bs=4096 count=2 2>&1 | sed -n 's/.*loop0.: //p'
            losetup -r /dev/loop1 img
            dd if=/dev/zero of=/dev/loop1 bs=512 count=1 2>&1 | sed -n 's/.*loop1.: //p'
            """));

    [Fact]
    public async Task Attach_Twice_IsBusy() => Assert.Equal(
        "Device or resource busy\n",
        await RunAsync(
            """
            truncate -s 4096 img
            losetup /dev/loop0 img
            losetup /dev/loop0 img 2>&1 | sed 's/.*: //'
            """));

    private static async Task<string> RunAsync(string script)
    {
        await using Machine machine = await Machine.StartAsync(AsRoot);
        ProcessResult result = await machine.RunAsync(new ProcessOptions("/bin/sh", "-c", "cd /tmp; PATH=$PATH:/sbin:/usr/sbin\n" + script));
        Assert.Equal("", result.Error);
        return result.Output;
    }
}
